package record

import (
	"reflect"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/name"
)

const revision = "3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1ab3f2c1"

func TestAskedIsReadAsWritten(t *testing.T) {
	for _, asked := range []Asked{
		{},
		{Revision: revision},
		{Revision: revision, Force: true},
		{Revision: revision, Skip: true},
		{Revision: revision, Force: true, Skip: true},
		{Revision: revision, TakeOver: true},
		{Revision: revision, Override: "the shop burns: 100 %, +1 force = skip"},
		{Revision: revision, Force: true, Override: "ü"},
		{Revision: revision, Override: "why", Signed: Signed{Commits: Signers{{"ana", "SHA256:x+/=", 2}}, Push: &PushSigner{"ben", "SHA256:y"}}},
		{Revision: revision, Signed: Signed{Push: &PushSigner{"ben", "SHA256:y"}}},
		{Revision: revision, Skip: true, Leaving: []name.App{"shop-paris", "shop-rome"}},
		{Revision: revision, Leaving: []name.App{"shop-paris"}, Keeping: []name.App{"shop-rome", "shop-oslo"}},
	} {
		if got := ParseAsked(asked.String()); !reflect.DeepEqual(got, asked) {
			t.Errorf("wrote %+v, read %+v", asked, got)
		}
	}
}

func TestWordsOfALaterVersionArePassedOver(t *testing.T) {
	if got := ParseAsked(revision + " later force"); !reflect.DeepEqual(got, Asked{Revision: revision, Force: true}) {
		t.Errorf("read %+v", got)
	}
}

func TestWordsWithoutARevisionAskForNothing(t *testing.T) {
	for _, text := range []string{"", "force", "main force", "--force skip", "3f2c1ab skip"} {
		if got := ParseAsked(text); !reflect.DeepEqual(got, Asked{}) {
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
		{Asked{Revision: revision, Signed: Signed{Commits: Signers{{Operator: "ana"}}}}, true},
		{Asked{Revision: revision, Signed: Signed{Push: &PushSigner{}}}, true},
		{Asked{Revision: revision, Leaving: []name.App{"shop"}}, true},
		{Asked{Revision: revision, Keeping: []name.App{"shop"}}, true},
	} {
		if got := test.asked.Any(); got != test.want {
			t.Errorf("%+v: got %v", test.asked, got)
		}
	}
}

// TestSignersAreKeptInBounds: of many signers some are kept, and damaged ones are nobody.
func TestSignersAreKeptInBounds(t *testing.T) {
	many := Asked{Revision: revision, Signed: Signed{Commits: make(Signers, 5000)}}
	for i := range many.Signed.Commits {
		many.Signed.Commits[i] = Signer{strings.Repeat("o", 64), "SHA256:" + strings.Repeat("k", 43), 1}
	}
	text := many.String()
	if got := ParseAsked(text); len(got.Signed.Commits) != maxAskedSigners || len(text) > 32<<10 {
		t.Errorf("%d signers in %d bytes", len(got.Signed.Commits), len(text))
	}
	for _, word := range []string{"", "%zz", "{", "[]", `{"push":3}`} {
		if got := ParseAsked(revision + " force signed=" + word); got.Signed.Any() || !got.Force {
			t.Errorf("%q: %+v", word, got)
		}
	}
}
