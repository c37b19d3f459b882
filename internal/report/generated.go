package report

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/plan"
)

// maxFates is how many generated values a plan names.
const maxFates = 10

// fatesText says in a line what becomes of generated values; "" for none.
func Fates(fates []plan.Fate) string {
	var parts []string
	for i, f := range fates {
		if i == maxFates {
			parts = append(parts, fmt.Sprintf("and %d more", len(fates)-i))
			break
		}
		parts = append(parts, f.Path+" "+f.Is)
	}
	if len(parts) == 0 {
		return ""
	}
	return "values generated once: " + strings.Join(parts, ", ")
}
