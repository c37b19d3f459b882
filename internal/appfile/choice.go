package appfile

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/name"
)

// Choice selects apps of a tree for somebody who stands in one of its folders, without
// a server. The zero Choice selects all.
type Choice struct {
	Folder string      // from the tree's root; "" or "." for the root
	Real   string      // Folder without links on the way; "": the same
	Branch name.Branch // of the app that is made of Folder if no app is there; "": DefaultBranch
	Names  []name.App  // of apps; none: those in Folder
}

// Of returns the chosen apps: those that are named, or else those whose path is the
// folder or below it. A folder without an app counts as one.
func (c Choice) Of(apps []App) []App {
	if len(c.Names) > 0 {
		return slices.DeleteFunc(slices.Clone(apps), func(a App) bool { return !slices.Contains(c.Names, a.Name) })
	}
	if c.Folder == "" || c.Folder == "." {
		return apps
	}
	for _, folder := range []string{c.Folder, c.Real} {
		chosen := slices.DeleteFunc(slices.Clone(apps), func(a App) bool {
			return folder == "" || a.Path != folder && !strings.HasPrefix(a.Path, folder+"/")
		})
		if len(chosen) > 0 {
			return chosen
		}
	}
	app := defaultApp()
	app.Path, app.Name = c.Folder, nameFrom(name.Repo(c.Folder))
	if c.Branch != "" {
		app.Branch = c.Branch
	}
	return []App{app}
}

// Check is an error if an app that is named is not there.
func (c Choice) Check(apps []App) error {
	names := make([]name.App, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	for _, app := range c.Names {
		if !slices.Contains(names, app) {
			return fmt.Errorf("there is no app %q; apps are %s", app, name.Join(names, ", "))
		}
	}
	return nil
}
