package server

import (
	"errors"
	"slices"
	"testing"

	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/name"
)

func TestUncheckedAppsAreTriedAgain(t *testing.T) {
	finding := func(app name.App, result deploy.CheckResult) deploy.Finding {
		return deploy.Finding{App: app, Result: result}
	}
	for about, test := range map[string]struct {
		findings []deploy.Finding
		err      error
		want     []name.App
	}{
		"all are well":                          {[]deploy.Finding{finding("a", deploy.CheckUnchanged), finding("b", deploy.CheckCorrected)}, nil, nil},
		"some differ, and their status says so": {[]deploy.Finding{finding("a", deploy.CheckDrifted), finding("b", deploy.CheckDeployed)}, nil, nil},
		"one could not be checked":              {[]deploy.Finding{finding("a", deploy.CheckUnchanged), finding("b", deploy.CheckFailed)}, nil, []name.App{"b"}},
		"none could":                            {nil, errors.New("the server is stopping"), []name.App{"a", "b"}},
	} {
		if got := unchecked([]name.App{"a", "b"}, test.findings, test.err); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", about, got, test.want)
		}
	}
}
