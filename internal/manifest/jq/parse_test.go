package jq

import (
	"strings"
	"testing"
)

// TestRefusals: what is not read is refused with what to write instead.
func TestRefusals(t *testing.T) {
	for expression, want := range map[string]string{
		``:                                     `the expression '' cannot be read: it ends too early`,
		".a\n|":                                `the expression ".a\n|" cannot be read: it ends too early`,
		`.a | 'b'`:                             `the expression ".a | 'b'" cannot be read: "'b'" is no part of jq`,
		`.spec |`:                              "it ends too early",
		`.spec | select(`:                      "it ends too early",
		`.spec | select(.x`:                    "its end is where ) belongs",
		`.spec[.x`:                             "its end is where ] belongs",
		`[.spec`:                               "its end is where ] belongs",
		`(.spec`:                               "its end is where ) belongs",
		`if .x`:                                "its end is where then belongs",
		`if .x then .y`:                        "its end is where end belongs",
		`.spec.`:                               "its end does not belong after a dot",
		`.spec.[0].3`:                          ".3 stands where it does not belong",
		`.spec..x`:                             ".. stands where it does not belong",
		`.spec) `:                              ") stands where it does not belong",
		`.spec | and`:                          "and stands where it does not belong",
		`.spec "x"`:                            `"x" stands where it does not belong`,
		`.spec !`:                              `"!" is no part of jq`,
		`.spec ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^`: `"^^^^^^^^^^^^^^^^^^^^…" is no part of jq`,
		`.spec["x`:                             `"\"x" is no part of jq`,
		`.spec["\q"]`:                          `"\q" is no string`,
		`.spec["\(.x)"]`:                       `a string with \( | write the string out`,
		`.a[1:2]`:                              ": is not among what Pushboat reads of jq | write an expression for each place in the list",
		`.a as $x | .b`:                        "as is not among what Pushboat reads of jq | write the value where it is used",
		`.a | reduce .[] as $x (0; 1)`:         "reduce is not among",
		`.a + 1`:                               "+ is not among",
		`.spec.http[*].route[*].weight`:        "* is not among what Pushboat reads of jq | write [] for all elements of a list",
		`-.a`:                                  "- is not among",
		`.a = 1`:                               "= is not among what Pushboat reads of jq | compare with ==",
		`.a | select($x)`:                      "$ is not among",
		`.a | select({a: 1})`:                  "{ is not among",
		`try .a catch .b`:                      "catch is not among what Pushboat reads of jq | leave catch out",
		`.a | b`:                               "the function b is not among what Pushboat reads of jq | the functions that are read are IN, all, any, ascii_downcase",
		`.a[] | selct(.b)`:                     "the function selct is not among what Pushboat reads of jq | did you mean select?",
		`.a[] | select`:                        "select is called with 0 arguments",
		`.a[] | select(.b; .c)`:                "select is called with 2 arguments",
		`.a | with_entries(.x)`:                "the function with_entries is not among what Pushboat reads of jq | choose keys in this way",
		`.a[] | select(test("("))`:             `test("("): error parsing regexp`,
		`.a[] | select(test(.x))`:              "the arguments of test are strings that are written out",
		`.a[] | select(test("x"; "q"))`:        `test has the flags g, i and m, and not "q"`,
		`.a[] | select(test("[a-c]{600}[b-d]{600}"))`: "the pattern is too large",
		`.a[] | select(. == 1e999)`:                   "1e999 is too large",
		strings.Repeat("(", 60) + `.a`:                "it nests more than 50 deep",
		strings.Repeat("if ", 60) + `.a`:              "it nests more than 50 deep",
		strings.Repeat(".a//", 60) + `.a`:             "it nests more than 50 deep",
		`.` + strings.Repeat("a", 1000):               "an expression is longer than 1000 bytes",
		`.`:                                           `the expression '.' leads to the whole object | let it end with a field: . | .spec`,
		`select(.metadata.labels.x == "y")`:           "leads to the whole object",
		`..`:                                          "leads to the whole object",
		`if .x then .y end`:                           "leads to the whole object",
		`if .x then . else .y end`:                    "leads to the whole object",
		`.a, select(.x)`:                              "leads to the whole object",

		// No field: true of these.
		`.metadata.annotations | to_entries[] | select(.key | startswith("x")) | .key`: "leads to no field: to_entries makes a new value | choose keys in this way",
		`.metadata.annotations | to_entries | map(select(.key | startswith("x")))`:     "leads to no field: to_entries makes a new value",
		`.a | map(select(.b))`:          "leads to no field: […] makes a new value",
		`.a[] | select(.b) | .c == "x"`: "leads to no field: == makes a new value",
		`.a and .b`:                     "leads to no field: and makes a new value",
		`.a or .b`:                      "leads to no field: or makes a new value",
		`.a | any`:                      "leads to no field: any makes a new value",
		`first("x")`:                    `leads to no field: "x" makes a new value`,
		`null // 1, "x"?`:               `leads to no field: null makes a new value`,
		`if .a then 1 else null end`:    `leads to no field: 1 makes a new value`,
		`(keys[0])?`:                    "leads to no field: keys makes a new value",
	} {
		_, refusal := Parse(expression)
		if refusal == nil {
			t.Errorf("%s: it is read", expression)
			continue
		}
		if got := refusal.Error() + " | " + refusal.Hint; !strings.Contains(got, want) {
			t.Errorf("%s: %s; want %s", expression, got, want)
		}
		if refusal.NoField != strings.Contains(want, "no field") {
			t.Errorf("%s: no field: %v", expression, refusal.NoField)
		}
	}
}

// TestPointer: paths without conditions are JSON pointers as well.
func TestPointer(t *testing.T) {
	for expression, want := range map[string]string{
		`.metadata.annotations["a/b"]`:       "/metadata/annotations/a~1b",
		`.a.b[0]?.c`:                         "/a/b/0/c",
		`.webhooks[]?.clientConfig.caBundle`: "/webhooks/*/clientConfig/caBundle",
		`.spec.x.[]`:                         "/spec/x/*",
		`.data[ ].y[]`:                       "/data/*/y/*",
		`.a | .b | .[]?`:                     "/a/b/*",
		`.spec["a"] | .b`:                    "/spec/a/b",
		`.a["*"]`:                            "",
		`.a[-1]`:                             "",
		`.a[1.5]`:                            "",
		`.a[.b]`:                             "",
		`.a, .b`:                             "",
		`.a[] | select(.b)`:                  "",
		`select(.b) | .a`:                    "",
		`..|.a`:                              "",
	} {
		p, err := Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got, ok := p.Pointer(); got != want || ok != (want != "") {
			t.Errorf("%s: the pointer %q, want %q", expression, got, want)
		}
		if p.String() != expression {
			t.Errorf("%s is written as %s", expression, p)
		}
	}
}

// TestPatterns: pointers that cover all fields to which an expression leads.
func TestPatterns(t *testing.T) {
	for expression, want := range map[string]string{
		`.metadata | select(.name == "x")`:            "/metadata",
		`.a[] | select(.b) | .c`:                      "/a/*/c",
		`.a[keys[]]`:                                  "/a/*",
		`.a | first(.b, .c)?, (.d // .e)`:             "/a/b /a/c /a/d /a/e",
		`if .x then .a elif .y then .b else null end`: "/a /b",
		`.a // (.b | keys)`:                           "/a",
		`if .x then any else .b end`:                  "/b",
		`.a // [.x]`:                                  "/a",
		`.a // (.b and .c)`:                           "/a",
		`.a // "x"`:                                   "/a",
		`.. | .a`:                                     "/a",
		`.a | if .b then [] else (.c == 1) end, .d`:   "/a/d",
	} {
		p, err := Parse(expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		if got := strings.Join(p.Patterns(), " "); got != want {
			t.Errorf("%s: %s, want %s", expression, got, want)
		}
	}
	p, err := Parse(strings.Repeat("(.a,.b)|", 30) + ".c")
	if err != nil || len(p.Patterns()) != maxPatterns {
		t.Errorf("an expression has %d patterns (%v), want %d", len(p.Patterns()), err, maxPatterns)
	}
}
