package secrets

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/manifest"
)

// TestPlainValues: a value passes if it comes from an encrypted file.
func TestPlainValues(t *testing.T) {
	b64 := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	known := newKnown([]string{"correct-horse", "a\nb\n", "1", "A=staple\nB=battery\n", b64("wrapped")})
	for _, c := range []struct {
		field, value string
		plain        bool
	}{
		{"stringData", "correct-horse", false},
		{"stringData", " correct-horse\n", false},
		{"stringData", "postgres://u:correct-horse@db", false},
		{"data", b64("correct-horse"), false},
		{"data", b64("postgres://u:correct-horse@db"), false},
		{"data", b64("wrapped"), false},
		{"stringData", `a\nb\n`, false},
		{"stringData", "1", false},
		{"stringData", "staple", false},
		{"stringData", "", false},
		{"data", "", false},
		{"stringData", "correct-hors3", true},
		{"stringData", "11", true},
		{"data", b64("other"), true},
		{"data", "correct horse", true},
	} {
		objects, problems := manifest.Rendered(map[string]any{
			"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "a"},
			c.field: map[string]any{"key": c.value},
		}, manifest.Source{})
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		want := []string{}
		if c.plain {
			want = append(want, c.field+".key")
		}
		if got := known.plain(objects[0]); !slices.Equal(got, want) {
			t.Errorf("%s %q: %v, want %v", c.field, c.value, got, want)
		}
	}
}

// TestCacheIsBounded: the cache keeps the most recently used files.
func TestCacheIsBounded(t *testing.T) {
	var c cache
	third := opened{plain: make([]byte, maxCache/3)}
	c.put("a", third)
	c.put("b", third)
	c.put("c", third)
	c.get("a")
	c.put("d", third)
	c.put("e", opened{plain: make([]byte, maxCache+1)})
	var there []string
	for key := range strings.FieldsSeq("a b c d e") {
		if _, ok := c.get(key); ok {
			there = append(there, key)
		}
	}
	if !slices.Equal(there, []string{"a", "c", "d"}) || c.bytes > maxCache {
		t.Errorf("the cache has %v, with %d bytes", there, c.bytes)
	}
}
