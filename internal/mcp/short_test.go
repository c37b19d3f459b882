package mcp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestTextsAreShortened(t *testing.T) {
	for _, c := range []struct {
		text    string
		limit   int
		keepEnd bool
		want    string
		left    int
	}{
		{"short", 5, false, "short", 0},
		{"one\ntwo\nthree", 9, false, "one\ntwo", 6},
		{"one\ntwo\nthree", 11, true, "two\nthree", 4},
		{"nothing to break at", 7, false, "nothing", 12},
		{"nothing to break at", 8, true, "break at", 11},
		{"aää", 2, false, "a", 4},
		{"", 0, false, "", 0},
	} {
		if got, left := shortText(c.text, c.limit, c.keepEnd); got != c.want || left != c.left {
			t.Errorf("%q at %d: %q and %d, want %q and %d", c.text, c.limit, got, left, c.want, c.left)
		}
	}
}

// many is a list of n entries, each with a text of that many characters.
func many(n, characters int) string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf(`{"n": %d, "text": %q}`, i, strings.Repeat("x", characters)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func TestDataIsShortened(t *testing.T) {
	for _, c := range []struct {
		name, data  string
		has, hasNot string // of the result
		says        string // what is left out
	}{
		{"as it is", `{"a": [1, 2, 9007199254740993], "b": null, "c": false, "d": 1.50}`, `{"a":[1,2,9007199254740993],"b":null,"c":false,"d":1.50}`, "", ""},
		{"a list", many(64, 100), `{"n":0,`, `"n":20,`, "items left out; ask for less"},
		{"a list within", `{"app": "shop", "objects": ` + many(64, 100) + `}`, `"app":"shop"`, `"n":20,`, "items left out"},
		{"lists of lists", `[` + many(40, 50) + `,` + many(2, 50) + `]`, `"n":1,`, `"n":39`, "items left out"},
		{"a text", fmt.Sprintf(`{"log": %q, "app": "shop"}`, strings.Repeat("ä", 4000)), `"app":"shop","log":"ää`, "", "bytes of long texts left out"},
		{"a list of few long texts", fmt.Sprintf(`[%q, "b"]`, strings.Repeat("a", 5000)), `"b"]`, "", "bytes of long texts left out"},
	} {
		short, err := shortData(json.RawMessage(c.data), "", Tool{}, 2000)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var got struct {
			Result    json.RawMessage `json:"result"`
			Shortened string          `json:"shortened"`
		}
		if err := json.Unmarshal(short, &got); err != nil || len(short) > 2000 {
			t.Errorf("%s: %d bytes: %v", c.name, len(short), err)
		}
		if !strings.Contains(string(got.Result), c.has) || c.hasNot != "" && strings.Contains(string(got.Result), c.hasNot) || !strings.Contains(got.Shortened, c.says) || (c.says == "") != (got.Shortened == "") {
			t.Errorf("%s: %s", c.name, short)
		}
	}
	wide := map[string]int{}
	for i := range 1000 {
		wide[fmt.Sprint(i)] = i
	}
	data, _ := json.Marshal(wide)
	if _, err := shortData(data, "", Tool{}, 2000); !errors.Is(err, errTooLarge) {
		t.Errorf("what is neither lists nor texts: %v", err)
	}
	if _, err := shortData(json.RawMessage("nonsense"), "", Tool{}, 2000); err == nil {
		t.Error("what is no JSON is an answer")
	}
}

func TestWhatIsWorthMoreIsKept(t *testing.T) {
	data := json.RawMessage(many(64, 100))
	for name, c := range map[string]struct {
		tool        Tool
		has, hasNot string
	}{
		"the beginning": {Tool{}, `{"n":0,`, `"n":63,`},
		"the end":       {Tool{KeepEnd: true}, `"n":63,`, `{"n":0,`},
		"some":          {Tool{First: func(entry map[string]any) bool { return entry["n"] == json.Number("40") }}, `[{"n":40,`, `"n":63,`},
	} {
		if short, err := shortData(data, "", c.tool, 2000); err != nil || !strings.Contains(string(short), c.has) || strings.Contains(string(short), c.hasNot) {
			t.Errorf("%s: %s, %v", name, short, err)
		}
	}
	if short, err := shortData(data, "", Tool{First: func(map[string]any) bool { return true }}, 20_000); err != nil || !strings.Contains(string(short), `"n":63,`) {
		t.Errorf("what fits is shortened: %v", err)
	}
}

func TestAnswersHaveOnlyWhatPrints(t *testing.T) {
	got, err := shortData(json.RawMessage(`{"text": "a\u001b[31mb\u202ec\nd", "key\u0007": ["\udb40\udc41"]}`), "", Tool{}, 2000)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"result":{"key\\x07":["\\U000e0041"],"text":"a\\x1b[31mb\\u202ec\nd"}}`
	if string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}
