package record

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
}

func TestWordsOfALaterVersionArePassedOver(t *testing.T) {
	if got := ParseAsked("3f2c1ab later force"); got != (Asked{Revision: "3f2c1ab", Force: true}) {
		t.Errorf("read %+v", got)
	}
}

func TestARevisionAloneIsNotKept(t *testing.T) {
	for _, test := range []struct {
		asked Asked
		want  bool
	}{
		{Asked{}, false},
		{Asked{Revision: "3f2c1ab"}, false},
		{Asked{Revision: "3f2c1ab", Force: true}, true},
		{Asked{Revision: "3f2c1ab", Skip: true}, true},
	} {
		if got := test.asked.Any(); got != test.want {
			t.Errorf("%+v: got %v", test.asked, got)
		}
	}
}
