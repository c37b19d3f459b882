package server

import (
	"errors"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
)

func TestUncheckedAppsAreTriedAgain(t *testing.T) {
	finding := func(app string, result deploy.CheckResult) deploy.Finding {
		return deploy.Finding{App: app, Result: result}
	}
	for name, test := range map[string]struct {
		findings []deploy.Finding
		err      error
		want     []string
	}{
		"all are well":                          {[]deploy.Finding{finding("a", deploy.CheckUnchanged), finding("b", deploy.CheckCorrected)}, nil, nil},
		"some differ, and their status says so": {[]deploy.Finding{finding("a", deploy.CheckDrifted), finding("b", deploy.CheckDeployed)}, nil, nil},
		"one could not be checked":              {[]deploy.Finding{finding("a", deploy.CheckUnchanged), finding("b", deploy.CheckFailed)}, nil, []string{"b"}},
		"none could":                            {nil, errors.New("the server is stopping"), []string{"a", "b"}},
	} {
		if got := unchecked([]string{"a", "b"}, test.findings, test.err); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
