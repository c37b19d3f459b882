package project

import (
	"strings"
	"testing"

	"github.com/pushboat/pushboat/internal/settings"
)

// TestSampleConfigurationIsThatOfTheTable holds config/pushboat.yaml to the table of
// settings, from which it is generated.
func TestSampleConfigurationIsThatOfTheTable(t *testing.T) {
	var want strings.Builder
	if err := settings.WriteSample(&want); err != nil {
		t.Fatal(err)
	}
	sameText(t, "config/pushboat.yaml", read(t, "config/pushboat.yaml"), want.String())
}

// TestReferenceOfSettingsIsThatOfTheTable: the end of docs/configuration.md as well.
func TestReferenceOfSettingsIsThatOfTheTable(t *testing.T) {
	var want strings.Builder
	if err := settings.WriteMarkdown(&want); err != nil {
		t.Fatal(err)
	}
	_, made, found := strings.Cut(read(t, "docs/configuration.md"), "<!-- What follows is made by `make docs` of the table in internal/settings. -->\n\n")
	if !found {
		t.Fatal("docs/configuration.md does not say where the reference begins")
	}
	sameText(t, "docs/configuration.md", made, want.String())
}

// sameText compares line by line, so that the first difference is shown.
func sameText(t *testing.T, name, got, want string) {
	t.Helper()
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(gotLines), len(wantLines)) {
		var is, should string
		if i < len(gotLines) {
			is = gotLines[i]
		}
		if i < len(wantLines) {
			should = wantLines[i]
		}
		if is != should {
			t.Fatalf("%s is not as the table has it: it says %q, and should say %q; run make docs", name, is, should)
		}
	}
}
