package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pushboat/pushboat/internal/amend"
	"github.com/pushboat/pushboat/internal/deploy"
	"github.com/pushboat/pushboat/internal/manifest"
	"github.com/pushboat/pushboat/internal/report"
)

const setImageHelp = "IMAGE has a tag, a digest or both: registry.example/web:1.5, web@sha256:...\n" +
	"CONTAINER names a container of the app, as in web=IMAGE; where several objects\n" +
	"have one of that name, with the object: deploy/web:app=IMAGE. Without it, the\n" +
	"containers of the image's repository are meant, or the app's only image.\n" +
	"The lines that decide the image are found by trial: in manifests, kustomizations\n" +
	"and values. Only these change, in one commit in your name, which goes through\n" +
	"the gate like a push, with the rights of a push.\n" +
	"An image that is so already is no error.\n" + mirroredHelp +
	"Shows the deploy until it ends, and exits 1 if it does not end well.\n" +
	"Example: set-image shop web=registry.example/web:1.5"

// maxImages bounds the images of one call.
const maxImages = 50

// imageWish is an image that containers are to have.
type imageWish struct {
	object    string // KIND/NAME; "" for any
	container string // "" for those of the image's repository
	image     amend.Image
}

// container is one of an object of an app.
type container struct {
	object *manifest.Object
	name   string
	field  string // of its image
	image  string
}

// setImage gives containers of an app other images.
func setImage(ctx context.Context, c *call) error {
	status, err := c.app(c.args[0])
	if err != nil {
		return err
	}
	wishes, err := parseWishes(c.args[1:])
	if err != nil {
		return err
	}
	return c.amend(ctx, amendment{
		status:  status,
		subject: clipped(fmt.Sprintf("Set the image of %s to %s", status.App, wishText(wishes))),
		so:      wishText(wishes) + " runs already",
		find: func(ctx context.Context, b *deploy.Bench) (amend.Files, []amend.Change, error) {
			return c.findImages(ctx, status, b, wishes)
		},
	})
}

func wishText(wishes []imageWish) string {
	var texts []string
	for _, w := range wishes {
		texts = append(texts, w.image.String())
	}
	return strings.Join(slices.Compact(texts), ", ")
}

// parseWishes reads the words of a call.
func parseWishes(words []string) ([]imageWish, error) {
	if len(words) > maxImages {
		return nil, usageError{fmt.Sprintf("at most %d images in one call", maxImages)}
	}
	var wishes []imageWish
	seen := map[string]bool{}
	for _, word := range words {
		var w imageWish
		text := word
		if who, image, found := strings.Cut(word, "="); found {
			if w.object, w.container = cutObject(who); w.container == "" {
				return nil, usageError{fmt.Sprintf("%q: write CONTAINER=IMAGE, or OBJECT:CONTAINER=IMAGE", manifest.Clean(word))}
			}
			if seen[who] {
				return nil, usageError{fmt.Sprintf("%q is named twice", manifest.Clean(who))}
			}
			seen[who], text = true, image
		}
		var err error
		if w.image, err = amend.ParseImage(text); err != nil {
			return nil, usageError{fmt.Sprintf("%q is no image: %v", manifest.Clean(text), err)}
		}
		if !w.image.Pinned() {
			return nil, usageError{fmt.Sprintf("%q has neither tag nor digest: write %s:TAG", manifest.Clean(text), manifest.Clean(text))}
		}
		wishes = append(wishes, w)
	}
	return wishes, nil
}

// cutObject takes deploy/web:app apart.
func cutObject(who string) (object, container string) {
	if before, after, found := strings.Cut(who, ":"); found {
		return before, after
	}
	return "", who
}

// findImages finds the lines that decide the images.
func (c *call) findImages(ctx context.Context, status deploy.Status, b *deploy.Bench, wishes []imageWish) (amend.Files, []amend.Change, error) {
	all := containersOf(b.Objects)
	var (
		files   amend.Files
		changes []amend.Change
		aims    []aim
	)
	for _, wish := range wishes {
		is := func(*manifest.Object) bool { return true }
		if wish.object != "" {
			var err error
			if is, err = b.Named(ctx, wish.object); err != nil {
				return nil, nil, usageError{fmt.Sprintf("%q: %v", manifest.Clean(wish.object), err)}
			}
		}
		found, err := choose(all, wish, is)
		if err != nil {
			return nil, nil, report.WithHint(err, "say which, one of:\n%s", c.offers(status, all, wish))
		}
		for _, one := range found {
			aims = append(aims, aim{one, wish.image.As(amend.Split(one.image)), nameOf(one.object)})
		}
	}
	for _, a := range aims {
		more, done, err := c.findImage(ctx, status, b, a, files)
		if err != nil {
			return nil, nil, err
		}
		if more != nil {
			files, changes = more, append(changes, done...)
		}
	}
	return files, changes, stillMet(ctx, b, aims, files)
}

// aim is a container, and the image that it is to have.
type aim struct {
	container
	want   amend.Image
	object string
}

// is tells the object of the aim.
func (a aim) is(o *manifest.Object) bool { return o.ID() == a.container.object.ID() }

// met reports whether the container has its image.
func (a aim) met(objects []*manifest.Object) (is string, met bool) {
	if o := firstOf(objects, a.is); o != nil {
		value, _ := o.ValueAt(a.field)
		is, _ = value.(string)
	}
	return is, amend.Meets(is, a.want)
}

// findImage finds the lines that decide one image, unless former changes made it as wanted
// already; then it returns no files.
func (c *call) findImage(ctx context.Context, status deploy.Status, b *deploy.Bench, a aim, files amend.Files) (amend.Files, []amend.Change, error) {
	objects := b.Objects
	if files != nil {
		var ok bool
		if objects, ok = b.Try(ctx, files); !ok {
			return nil, nil, errors.New("the app cannot be rendered with the new images")
		}
	}
	is, met := a.met(objects)
	if met {
		return nil, nil, nil
	}
	if o := firstOf(b.Objects, a.is); !shows(o, a.field, a.image) {
		return nil, nil, report.WithHint(fmt.Errorf("the image of %s in %s comes from an encrypted file", a.name, a.object), "change that file, in a commit of your own: sops edit FILE")
	}
	search := amend.Search{Files: b.Files, Look: look(b, a.is, a.field)}
	more, changes, err := search.Image(ctx, files, amend.Split(is), a.want)
	if errors.Is(err, amend.ErrNotFound) {
		err = c.notDecided(ctx, status, b, fieldOf{a.object, a.field, ""})
	}
	return more, changes, err
}

// stillMet checks that all containers have their images at once: one line may decide those
// of two.
func stillMet(ctx context.Context, b *deploy.Bench, aims []aim, files amend.Files) error {
	if files == nil {
		return nil
	}
	objects, ok := b.Try(ctx, files)
	for _, a := range aims {
		if is, met := a.met(objects); !ok || !met {
			return report.WithHint(fmt.Errorf("container %s of %s would have %s and not %s: one line decides several of these images", a.name, a.object, said(is), a.want),
				"give each its own line first, in a commit of your own")
		}
	}
	return nil
}

// choose returns the containers that a wish means.
func choose(all []container, wish imageWish, is func(*manifest.Object) bool) ([]container, error) {
	if wish.container != "" {
		return oneImage(wish, slices.DeleteFunc(slices.Clone(all), func(one container) bool { return one.name != wish.container || !is(one.object) }))
	}
	same := slices.DeleteFunc(slices.Clone(all), func(one container) bool { return !wish.image.SameRepository(amend.Split(one.image)) })
	if len(same) > 0 {
		return oneImage(wish, same)
	}
	return oneImage(wish, all)
}

// oneImage returns containers that all have one image now.
func oneImage(wish imageWish, found []container) ([]container, error) {
	if len(found) == 0 && wish.container != "" {
		return nil, fmt.Errorf("no container %s was found", said(wish.container))
	}
	if len(found) == 0 {
		return nil, errors.New("the app has no containers")
	}
	for _, one := range found {
		if one.image != found[0].image {
			return nil, fmt.Errorf("%s could be for several containers, which have different images now", wish.image)
		}
	}
	return found, nil
}

// maxOffers bounds the containers that an error lists.
const maxOffers = 20

// offers are the calls that a wish may have meant, a line each.
func (c *call) offers(status deploy.Status, all []container, wish imageWish) string {
	var lines []string
	for i, one := range all {
		if i == maxOffers {
			lines = append(lines, fmt.Sprintf("(and %d more)", len(all)-maxOffers))
			break
		}
		who := one.name
		for _, other := range all {
			if other.name == one.name && other.object != one.object {
				who = nameOf(one.object) + ":" + one.name
			}
		}
		lines = append(lines, fmt.Sprintf("ssh HOST set-image %s %s=%s", status.App, manifest.Clean(who), wish.image))
	}
	if len(lines) == 0 {
		return "(none: the app has no containers)"
	}
	return strings.Join(lines, "\n")
}

// nameOf names an object as verbs take it.
func nameOf(o *manifest.Object) string {
	id := o.ID()
	if id.Namespace != "" {
		return id.Kind + "/" + id.Namespace + "/" + id.Name
	}
	return id.Kind + "/" + id.Name
}

// containersOf lists the containers that objects have in templates of pods, wherever these
// are: in Deployments and in custom resources alike.
func containersOf(objects []*manifest.Object) []container {
	var all []container
	for _, o := range objects {
		if o.GetKind() == "Secret" || o.GetKind() == "CustomResourceDefinition" {
			continue
		}
		walkContainers(o.Object, "", 0, func(name, field, image string) {
			all = append(all, container{o, name, field, image})
		})
	}
	return all
}

// maxDepth bounds how deep in an object a template of pods is looked for.
const maxDepth = 12

func walkContainers(value any, path string, depth int, found func(name, field, image string)) {
	fields, ok := value.(map[string]any)
	if !ok || depth > maxDepth {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		at := strings.TrimPrefix(path+"."+key, ".")
		list, isList := fields[key].([]any)
		if !isList || key != "containers" && key != "initContainers" {
			walkContainers(fields[key], at, depth+1, found)
			continue
		}
		for _, element := range list {
			one, _ := element.(map[string]any)
			name, _ := one["name"].(string)
			if image, ok := one["image"].(string); ok && name != "" {
				found(name, at+"["+name+"].image", image)
			}
		}
	}
}
