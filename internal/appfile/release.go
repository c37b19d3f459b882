package appfile

import (
	"fmt"
	"strings"

	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/name"
)

// Released is an object that an app gives up to another repository, once the revision does
// not have it any more.
type Released struct {
	To name.Repo
	// Kind is set. Group "" is any. Namespace "" is that of the app, or none.
	Kind, Group, Namespace, Name string
}

// ReleasedTo returns the repository to which the app gives an object up; "" for none.
func (a App) ReleasedTo(id manifest.ID) name.Repo {
	for _, r := range a.Released {
		if r.Kind == id.Kind && r.Name == id.Name && (r.Group == "" || r.Group == id.Group) &&
			(r.Namespace == id.Namespace || r.Namespace == "" && id.Namespace == a.Namespace) {
			return r.To
		}
	}
	return ""
}

// MaxReleased bounds the objects that a file releases one by one: every plan compares them
// with what leaves the app.
const MaxReleased = 1000

// releaseFields are the fields of an entry of release.
var releaseFields = []string{"app", "to", "objects"}

// releaseHint shows both forms of an entry.
const releaseHint = "write - {app: shop, to: other/repository} for an app that is not under apps any more, " +
	"or with objects: [ConfigMap/settings] for some objects of one that is"

// readReleases reads what the repository gives up: objects go into their apps, and whole
// apps are returned.
func (r *reader) readReleases(list field, apps []App, repo name.Repo) map[name.App]name.Repo {
	whole, count := map[name.App]name.Repo{}, 0
	for _, element := range r.List(list, MaxList) {
		app, to, ok := r.readRelease(element, repo)
		if !ok {
			continue
		}
		objects, some := r.Fields(element.Value, "an entry of release", releaseFields)["objects"]
		at := appOf(apps, app)
		switch _, twice := whole[app]; {
		case twice:
			r.Add(element.Line, fmt.Sprintf("release names app %s twice", app), "keep one of the two: an app goes to one repository")
		case some && at == nil:
			r.Add(objects.Line, fmt.Sprintf("release: there is no app %s in this file whose objects could be released", app), r.nearestApp(apps, app))
		case some:
			released := r.releasedObjects(objects, to)
			if before := count; before <= MaxReleased && before+len(released) > MaxReleased {
				r.Add(objects.Line, fmt.Sprintf("release names more than %d objects", MaxReleased), "release the app as a whole, or some after the others")
			}
			count += len(released)
			at.Released = append(at.Released, released...)
		case at != nil:
			r.Add(element.Line, fmt.Sprintf("release: app %s is still under apps", app), "remove it there, or name the objects to release: objects: [ConfigMap/settings]")
		default:
			whole[app] = to
		}
	}
	return whole
}

// readRelease reads which app an entry is about, and who is to have it.
func (r *reader) readRelease(element field, repo name.Repo) (app name.App, to name.Repo, ok bool) {
	before := len(r.Problems)
	fields := r.Fields(element.Value, "an entry of release", releaseFields)
	if len(r.Problems) > before {
		return "", "", false
	}
	for _, needed := range releaseFields[:2] {
		if _, given := fields[needed]; !given {
			r.Add(element.Line, "an entry of release has no "+needed, releaseHint)
			return "", "", false
		}
	}
	text, _ := r.Text(fields["app"])
	if message := checkName(text); message != "" {
		r.Add(fields["app"].Line, fmt.Sprintf("app: %q %s", manifest.Clean(text), message), "")
		return "", "", false
	}
	app = name.App(text)
	text, _ = r.Text(fields["to"])
	to, err := name.ParseRepo(text)
	switch {
	case err != nil:
		r.Add(fields["to"].Line, fmt.Sprintf("to: %v", err), "name the repository that is to have it: to: other/repository")
	case to == repo:
		r.Add(fields["to"].Line, fmt.Sprintf("to: %s is this repository itself", to), "inside a repository, objects move without release")
	}
	return app, to, len(r.Problems) == before
}

// releasedObjects reads a list of objects.
func (r *reader) releasedObjects(list field, to name.Repo) (released []Released) {
	if len(list.Value.Content) == 0 {
		r.Add(list.Line, "objects is empty", releaseHint)
	}
	for _, element := range r.List(list, MaxList) {
		text, ok := r.Text(element)
		if !ok {
			continue
		}
		parts := strings.Split(text, "/")
		kind, group, _ := strings.Cut(parts[0], ".")
		one := Released{To: to, Kind: kind, Group: group, Name: parts[len(parts)-1]}
		if len(parts) == 3 {
			one.Namespace = parts[1]
		}
		if len(parts) < 2 || len(parts) > 3 || one.Name == "" || kind == "" || len(parts) == 3 && one.Namespace == "" {
			r.Add(element.Line, fmt.Sprintf("objects: %q names no object", manifest.Clean(text)), "write KIND/NAME, or KIND/NAMESPACE/NAME: ConfigMap/settings, Deployment.apps/shop/web")
			continue
		}
		released = append(released, one)
	}
	return released
}

// appOf returns the app of a name; nil if there is none.
func appOf(apps []App, wanted name.App) *App {
	for i := range apps {
		if apps[i].Name == wanted {
			return &apps[i]
		}
	}
	return nil
}

// nearestApp is a hint for a name that no app of the file has.
func (r *reader) nearestApp(apps []App, wanted name.App) string {
	names := make([]string, len(apps))
	for i, app := range apps {
		names[i] = string(app.Name)
	}
	if near := manifest.Closest(string(wanted), names); near != "" {
		return "did you mean " + near + "?"
	}
	return "to release an app as a whole, leave objects out"
}
