package command

import (
	"maps"
	"strings"
	"testing"
)

func TestValuesAreReadALineEach(t *testing.T) {
	for _, test := range []struct {
		name, input string
		paths       []string
		want        map[string]string // nil for an error
	}{
		{"one", "s3cret word\n", []string{"a"}, map[string]string{"a": "s3cret word"}},
		{"without a line break", "x", []string{"a"}, map[string]string{"a": "x"}},
		{"of Windows", "x\r\ny\r\n", []string{"b", "a"}, map[string]string{"b": "x", "a": "y"}},
		{"more input than paths", "x\ny\n", []string{"a"}, map[string]string{"a": "x"}},
		{"blanks", " x \n", []string{"a"}, map[string]string{"a": " x "}},
		{"no input", "", []string{"a"}, nil},
		{"too little", "x\n", []string{"a", "b"}, nil},
		{"an empty line", "\nx\n", []string{"a", "b"}, nil},
		{"no text", "\xff\xfe\n", []string{"a"}, nil},
		{"a path twice", "x\ny\n", []string{"a", "a"}, nil},
		{"too long", strings.Repeat("x", maxValue+1) + "\n", []string{"a"}, nil},
		{"without an end", strings.Repeat("x", 4*maxValue), []string{"a"}, nil},
	} {
		got, err := readValues(strings.NewReader(test.input), test.paths)
		if (err == nil) != (test.want != nil) || !maps.Equal(got, test.want) {
			t.Errorf("%s: %v, %v", test.name, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: the error has the value: %.50s", test.name, err)
		}
	}
}
