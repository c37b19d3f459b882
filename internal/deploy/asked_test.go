package deploy

import "testing"

func TestAskedIsReadAsWritten(t *testing.T) {
	for _, asked := range []Asked{
		{},
		{Revision: "3f2c1ab"},
		{Revision: "3f2c1ab", Force: true},
		{Revision: "3f2c1ab", Skip: true},
		{Revision: "3f2c1ab", Force: true, Skip: true},
	} {
		if got := ParseAsked(asked.String()); got != asked {
			t.Errorf("wrote %+v, read %+v", asked, got)
		}
	}
	if got := ParseAsked("3f2c1ab later force"); got != (Asked{Revision: "3f2c1ab", Force: true}) {
		t.Errorf("an unknown word made it %+v", got)
	}
}
