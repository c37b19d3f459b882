package bucket

import (
	"slices"
	"strings"
	"testing"
	"time"
)

const (
	sunday  = "20261129T020000.000Z-00000001"
	monday  = "20261130T020000.000Z-00000002"
	tuesday = "20261201T020000.000Z-00000003"
)

// TestNamesSayWhatAnObjectIs: a backup's ID, folder and base can be read from the key of its
// object, and make the same key again.
func TestNamesSayWhatAnObjectIs(t *testing.T) {
	for key, want := range map[string]Object{
		sunday + ".full.backup":                             {ID: sunday},
		"a/b/" + sunday + ".full.backup":                    {Folder: "a/b", ID: sunday},
		"a/" + monday + ".since." + sunday + ".backup":      {Folder: "a", ID: monday, Since: sunday},
		"a/.x/" + monday + ".since." + monday + ".backup":   {Folder: "a/.x", ID: monday, Since: monday},
		"a-b_c/" + tuesday + ".since." + monday + ".backup": {Folder: "a-b_c", ID: tuesday, Since: monday},
	} {
		got, ok := parseKey(key)
		if !ok || got != want || (Address{Folder: got.Folder}).key(got.Name()) != key {
			t.Errorf("%q: %+v, %t, which is called %q", key, got, ok, got.Name())
		}
	}
	for _, key := range []string{
		"", "x", ".full.backup", "x.full.backup", sunday, sunday + ".backup", sunday + ".since.x.backup", sunday + ".full.backup.new",
		"a//" + sunday + ".full.backup", "a/../" + sunday + ".full.backup", "ä/" + sunday + ".full.backup", sunday + ".since." + sunday + ".full.backup",
	} {
		if got, ok := parseKey(key); ok {
			t.Errorf("%q is %+v", key, got)
		}
	}
	if made := (Object{ID: monday}).Made(); !made.Equal(time.Date(2026, 11, 30, 2, 0, 0, 0, time.UTC)) {
		t.Errorf("made at %s", made)
	}
}

// FuzzParseKey: a key that is read as a backup is the key of that backup.
func FuzzParseKey(f *testing.F) {
	f.Add("a/" + monday + ".since." + sunday + ".backup")
	f.Add(sunday + ".full.backup")
	f.Fuzz(func(t *testing.T, key string) {
		if o, ok := parseKey(key); ok && (Address{Folder: o.Folder}).key(o.Name()) != key {
			t.Errorf("%q is %+v", key, o)
		}
	})
}

// week is a full backup, two that build on it, another full one, and one whose base is
// gone.
var week = []Object{
	{ID: "20261101T020000.000Z-0000000a"},
	{ID: "20261102T020000.000Z-0000000b", Since: "20261101T020000.000Z-0000000a"},
	{ID: "20261103T020000.000Z-0000000c", Since: "20261102T020000.000Z-0000000b"},
	{ID: "20261104T020000.000Z-0000000d"},
	{ID: "20261105T020000.000Z-0000000e", Since: "20261031T020000.000Z-00000000"},
}

// ids returns the last digits of the IDs.
func ids(objects []Object) string {
	text := ""
	for _, o := range objects {
		text += o.ID[len(o.ID)-1:]
	}
	return text
}

func TestChain(t *testing.T) {
	for last, want := range []string{"a", "ab", "abc", "d", "e"} {
		chain, ok := Chain(week, week[last])
		if ids(chain) != want || ok != (want != "e") {
			t.Errorf("of %s: %s, %t", week[last].ID, ids(chain), ok)
		}
	}
	circle := []Object{{ID: "1", Since: "2"}, {ID: "2", Since: "1"}}
	if chain, ok := Chain(circle, circle[0]); ok {
		t.Errorf("a cycle counts as complete: %v", chain)
	}
	elsewhere := []Object{{Folder: "a", ID: "1"}, {Folder: "b", ID: "2", Since: "1"}}
	if chain, ok := Chain(elsewhere, elsewhere[1]); ok {
		t.Errorf("another server's backup counts as a base: %v", chain)
	}
}

func TestChoose(t *testing.T) {
	day := func(n, hour int) time.Time { return time.Date(2026, 11, n, hour, 0, 0, 0, time.UTC) }
	for name, test := range map[string]struct {
		wanted Moment
		chain  string
		err    string
	}{
		"newest":                 {Moment{}, "", "backup 20261105T020000.000Z-0000000e needs backup 20261031T020000.000Z-00000000, which is not there"},
		"by its ID":              {Moment{ID: week[1].ID}, "ab", ""},
		"of an unknown ID":       {Moment{ID: sunday}, "", "there is no backup " + sunday + "; the newest is 20261105T020000.000Z-0000000e"},
		"until a time":           {Moment{UpTo: day(4, 1)}, "abc", ""},
		"until its own":          {Moment{UpTo: day(4, 2)}, "d", ""},
		"until before all":       {Moment{UpTo: day(1, 1)}, "", "there is no backup of until 2026-11-01T01:00:00Z; the oldest is 20261101T020000.000Z-0000000a"},
		"first after a time":     {Moment{After: day(2, 3)}, "abc", ""},
		"first after its own":    {Moment{After: day(2, 2)}, "ab", ""},
		"newest, for none after": {Moment{After: day(6, 0)}, "", "backup 20261105T020000.000Z-0000000e needs backup 20261031T020000.000Z-00000000, which is not there"},
	} {
		shuffled := slices.Clone(week)
		slices.Reverse(shuffled)
		chain, err := Choose(shuffled, test.wanted, day(6, 0))
		said := ""
		if err != nil {
			said = err.Error()
		}
		if ids(chain) != test.chain || said != test.err {
			t.Errorf("%s: %s, %q", name, ids(chain), said)
		}
	}
	if _, err := Choose(nil, Moment{}, day(6, 0)); err == nil || err.Error() != "there is no backup" {
		t.Errorf("of nothing: %v", err)
	}
}

// TestChooseGuessesNoServer: if a bucket has backups of several servers, only an ID chooses
// one.
func TestChooseGuessesNoServer(t *testing.T) {
	now := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	both := []Object{{Folder: "p/one", ID: sunday}, {Folder: "p/two", ID: monday}}
	_, err := Choose(both, Moment{}, now)
	if several, ok := err.(*SeveralError); !ok || !slices.Equal(several.Folders, []string{"p/one", "p/two"}) { //nolint:errorlint // the error is not wrapped
		t.Errorf("%v", err)
	}
	if chain, err := Choose(both, Moment{ID: sunday}, now); err != nil || len(chain) != 1 || chain[0] != both[0] {
		t.Errorf("%v, %v", chain, err)
	}
}

// TestChooseTrustsNoFuture: a writer of the bucket may name backups as they like. One of the
// future is taken only by its ID.
func TestChooseTrustsNoFuture(t *testing.T) {
	now := time.Date(2026, 11, 4, 3, 0, 0, 0, time.UTC)
	forged := Object{ID: "20990101T000000.000Z-0000000f"}
	ahead := Object{ID: "20261104T033000.000Z-00000009"} // by a clock that is half an hour ahead
	all := append(slices.Clone(week[:4]), forged)
	for name, test := range map[string]struct {
		objects []Object
		wanted  Moment
		chain   string
	}{
		"the newest":              {all, Moment{}, "d"},
		"until a time to come":    {all, Moment{UpTo: now.AddDate(100, 0, 0)}, "d"},
		"after the last":          {all, Moment{After: now}, "d"},
		"by its ID":               {all, Moment{ID: forged.ID}, "f"},
		"by a clock that is fast": {append(all, ahead), Moment{}, "9"},
	} {
		if chain, err := Choose(test.objects, test.wanted, now); err != nil || ids(chain) != test.chain {
			t.Errorf("%s: %s, %v", name, ids(chain), err)
		}
	}
	_, err := Choose([]Object{forged}, Moment{}, now)
	if future, ok := err.(*FutureError); !ok || future.First != forged.ID || !strings.HasSuffix(future.Hint(), "@"+forged.ID) { //nolint:errorlint // the error is not wrapped
		t.Errorf("of the future alone: %v", err)
	}
}

func TestIncompleteErrorNamesAnother(t *testing.T) {
	for instead, want := range map[string]string{"": "no backup that is there can be restored", sunday: "the newest that can be restored is @" + sunday} {
		if got := (&IncompleteError{Instead: instead}).Hint(); got != want {
			t.Errorf("%q: %s", instead, got)
		}
	}
}
