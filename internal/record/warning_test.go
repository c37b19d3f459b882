package record

import "testing"

func TestWarningIsOneLine(t *testing.T) {
	for want, w := range map[string]Warning{
		"web.yaml:3: Deployment shop/web: old": {Key: "apps/Deployment/shop/web", File: "web.yaml", Line: 3, Text: "old"},
		"web.yaml: Deployment shop/web: old":   {Key: "apps/Deployment/shop/web", File: "web.yaml", Text: "old"},
		"Deployment shop/web: old, and worn":   {Key: "apps/Deployment/shop/web", Text: "old,\nand worn"},
	} {
		if got := w.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
