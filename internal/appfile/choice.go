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

// Of is Among for apps that a revision names itself; a folder without an app counts as one.
func (c Choice) Of(apps []App) []App {
	if chosen := c.Among(apps); len(chosen) > 0 || len(c.Names) > 0 || c.everything() {
		return chosen
	}
	app := defaultApp()
	app.Path, app.Name = c.Folder, nameFrom(name.Repo(c.Folder))
	if c.Branch != "" {
		app.Branch = c.Branch
	}
	return []App{app}
}

// Among returns the chosen apps: those that are named, or else those whose path is the
// folder or below it.
func (c Choice) Among(apps []App) []App {
	switch {
	case len(c.Names) > 0:
		return slices.DeleteFunc(slices.Clone(apps), func(a App) bool { return !slices.Contains(c.Names, a.Name) })
	case c.everything():
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
	return nil
}

// everything reports whether all apps are chosen.
func (c Choice) everything() bool {
	return len(c.Names) == 0 && (c.Folder == "" || c.Folder == ".")
}

// Check is an error if an app that is named is not there.
func (c Choice) Check(apps []App) error {
	for _, app := range c.Names {
		if !slices.ContainsFunc(apps, func(a App) bool { return a.Name == app }) {
			return fmt.Errorf("there is no app %q; apps are %s", app, joined(apps))
		}
	}
	return nil
}

// CheckAmong is an error if an app that is named is not there, or none is in the folder.
func (c Choice) CheckAmong(apps []App) error {
	if err := c.Check(apps); err != nil || len(c.Among(apps)) > 0 || c.everything() {
		return err
	}
	return fmt.Errorf("no app is in the folder %q; apps are %s: name one with --app", c.Folder, joined(apps))
}

func joined(apps []App) string {
	names := make([]name.App, len(apps))
	for i, app := range apps {
		names[i] = app.Name
	}
	return name.Join(names, ", ")
}
