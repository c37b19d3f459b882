package deploy

import (
	"testing"

	"github.com/pushboat/pushboat/internal/record"
)

func TestAskedIsReadAsWritten(t *testing.T) {
	for _, asked := range []record.Asked{
		{},
		{Revision: "3f2c1ab"},
		{Revision: "3f2c1ab", Force: true},
		{Revision: "3f2c1ab", Skip: true},
		{Revision: "3f2c1ab", Force: true, Skip: true},
	} {
		if got := record.ParseAsked(asked.String()); got != asked {
			t.Errorf("wrote %+v, read %+v", asked, got)
		}
	}
	if got := record.ParseAsked("3f2c1ab later force"); got != (record.Asked{Revision: "3f2c1ab", Force: true}) {
		t.Errorf("an unknown word made it %+v", got)
	}
}
