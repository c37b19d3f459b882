package record

import "testing"

const revision = "3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1"

func TestAskedIsReadAsWritten(t *testing.T) {
	for _, asked := range []Asked{
		{},
		{Revision: revision},
		{Revision: revision, Force: true},
		{Revision: revision, Skip: true},
		{Revision: revision, Force: true, Skip: true},
		{Revision: revision, Override: "the shop burns: 100 %, +1 force = skip"},
		{Revision: revision, Force: true, Override: "ü"},
	} {
		if got := ParseAsked(asked.String()); got != asked {
			t.Errorf("wrote %+v, read %+v", asked, got)
		}
	}
}

func TestWordsOfALaterVersionArePassedOver(t *testing.T) {
	if got := ParseAsked(revision + " later force"); got != (Asked{Revision: revision, Force: true}) {
		t.Errorf("read %+v", got)
	}
}

func TestWordsWithoutARevisionAskForNothing(t *testing.T) {
	for _, text := range []string{"", "force", "main force", "--force skip", "3f2c1ab skip"} {
		if got := ParseAsked(text); got != (Asked{}) {
			t.Errorf("%q: read %+v", text, got)
		}
	}
}

func TestARevisionAloneIsNotKept(t *testing.T) {
	for _, test := range []struct {
		asked Asked
		want  bool
	}{
		{Asked{}, false},
		{Asked{Revision: revision}, false},
		{Asked{Revision: revision, Force: true}, true},
		{Asked{Revision: revision, Skip: true}, true},
		{Asked{Revision: revision, Override: "why"}, true},
	} {
		if got := test.asked.Any(); got != test.want {
			t.Errorf("%+v: got %v", test.asked, got)
		}
	}
}
