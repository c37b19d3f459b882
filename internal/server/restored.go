package server

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/pushboat/pushboat/internal/access"
	"github.com/pushboat/pushboat/internal/datadir"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// restoredRetry is the time until the next try for apps that could not be checked.
const restoredRetry = time.Minute

// checkRestored checks every object of all apps on its cluster once, if the data
// directory was restored. The previous server may have applied newer values since the
// backup, in the same fields and under the same name, which no fingerprint shows. The
// check continues at the next start until it has covered every app.
func (s *server) checkRestored(ctx context.Context) {
	path := s.path(datadir.Restored)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return
	}
	apps := s.engine.Apps()
	for {
		s.log.Infof("restored: every object of %s is tried on its cluster", manifest.Plural(len(apps), "app"))
		findings, err := s.engine.CheckNow(ctx, access.System("restored"), deploy.ByTrial, apps...)
		apps = unchecked(apps, findings, err)
		if len(apps) == 0 {
			break
		}
		s.log.Warnf("restored: %s could not be tried, %s first; tried again in %s", manifest.Plural(len(apps), "app"), apps[0], restoredRetry)
		select {
		case <-time.After(restoredRetry):
		case <-ctx.Done():
			return
		}
	}
	err := s.fence.Check()
	if err == nil {
		err = os.Remove(path)
	}
	if err != nil {
		s.log.Warnf("restored: %v; all is tried again at the next start", err)
		return
	}
	s.log.Info("restored: every app is as its branch says, or its status says why not")
}

// unchecked returns the apps that have to be tried again.
func unchecked(apps []name.App, findings []deploy.Finding, err error) []name.App {
	if err != nil {
		return apps
	}
	var again []name.App
	for _, f := range findings {
		if f.Result == deploy.CheckFailed {
			again = append(again, f.App)
		}
	}
	return again
}
