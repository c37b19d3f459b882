package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/client-go/util/retry"
)

// waitWithin is how long k waits for an object, on a very busy machine.
const waitWithin = 3 * time.Minute

// handManager is the field manager of changes by hand, the same as kubectl edit's.
const handManager = "kubectl-edit"

// objectCommands are the commands of k by their first word, with the number of further
// words.
var objectCommands = map[string]struct {
	least, most int
	usage       string
	run         func(ctx context.Context, c *cluster, out io.Writer, args []string) error
}{
	"get":    {2, 3, "k get KIND NAME [POINTER]", getObject},
	"list":   {1, 3, "k list KIND [NAMESPACE [SELECTOR]]", listObjects},
	"exists": {2, 2, "k exists KIND NAME", objectExists},
	"absent": {2, 2, "k absent KIND NAME", objectAbsent},
	"set":    {4, 5, "k set KIND NAME POINTER VALUE [MANAGER]", setField},
	"scale":  {3, 4, "k scale KIND NAME N [MANAGER]", scaleObject},
	"delete": {2, 2, "k delete KIND NAME", deleteObject},
	"wait":   {4, 4, "k wait KIND NAME POINTER VALUE", awaitField},
	"event":  {2, 2, "k event NAMESPACE PATTERN", awaitEvent},
	"gone":   {2, 2, "k gone KIND NAME", awaitGone},
	"lose":   {2, 2, "k lose KIND NAMESPACE", loseOwner},
	"remake": {2, 2, "k remake KIND NAMESPACE", remake},
}

// cmdObjects is the command k: a small kubectl, for machines that have no kubectl.
func cmdObjects(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! k; for an object that must not exist, write: k absent KIND NAME")
	}
	ctx, cancel := context.WithTimeout(context.Background(), waitWithin)
	defer cancel()
	c := on(ts).cluster
	if len(args) > 1 && args[0] == "create" {
		for _, file := range args[1:] {
			ts.Check(c.create(ctx, strings.NewReader(ts.ReadFile(file))))
		}
		return
	}
	if len(args) == 3 && args[0] == "apply" {
		ts.Check(c.apply(ctx, strings.NewReader(ts.ReadFile(args[1])), args[2]))
		return
	}
	if len(args) == 2 && args[0] == "refused" {
		ts.Check(c.awaitRefusal(ctx, ts.ReadFile(args[1])))
		return
	}
	if len(args) == 0 {
		ts.Fatalf("usage: k create|apply|refused|get|list|exists|absent|set|scale|delete|wait|event|gone|lose|remake …, see README.md")
	}
	command, known := objectCommands[args[0]]
	if n := len(args) - 1; !known || n < command.least || n > command.most {
		ts.Fatalf("k %s: usage: %s, see README.md", args[0], command.usage)
	}
	err := command.run(ctx, c, ts.Stdout(), args[1:])
	if apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse) { // the kind's version or scope has changed
		c.mapper.Reset()
		err = command.run(ctx, c, ts.Stdout(), args[1:])
	}
	ts.Check(err)
}

// object is the place of one object.
type object struct {
	client dynamic.ResourceInterface
	name   string
	words  string // for messages
}

// find finds an object by KIND and NAMESPACE/NAME, or NAME for an object without a
// namespace.
func (c *cluster) find(kind, name string) (object, error) {
	resource, namespaced, err := c.resource(kind)
	if err != nil {
		return object{}, err
	}
	namespace, last, slash := strings.Cut(name, "/")
	if slash != namespaced { // the scope may have changed since it was read
		c.mapper.Reset()
		if resource, namespaced, err = c.resource(kind); err != nil {
			return object{}, err
		}
	}
	switch {
	case slash != namespaced:
		return object{}, fmt.Errorf("%s %s: write NAMESPACE/NAME for an object in a namespace, NAME for any other", kind, name)
	case namespaced:
		return object{c.dynamic.Resource(resource).Namespace(namespace), last, kind + " " + name}, nil
	}
	return object{c.dynamic.Resource(resource), name, kind + " " + name}, nil
}

func (o object) get(ctx context.Context) (*unstructured.Unstructured, error) {
	return o.client.Get(ctx, o.name, metav1.GetOptions{})
}

func getObject(ctx context.Context, c *cluster, out io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	found, err := o.get(ctx)
	if err != nil {
		return err
	}
	pointer := ""
	if len(args) == 3 {
		pointer = args[2]
	}
	value, err := lookUp(found.Object, pointer)
	if err != nil {
		return fmt.Errorf("%s: %w", o.words, err)
	}
	_, err = fmt.Fprintln(out, asText(value))
	return err
}

func listObjects(ctx context.Context, c *cluster, out io.Writer, args []string) error {
	resource, _, err := c.resource(args[0])
	if err != nil {
		return err
	}
	var client dynamic.ResourceInterface = c.dynamic.Resource(resource)
	options := metav1.ListOptions{}
	if len(args) > 1 {
		client = c.dynamic.Resource(resource).Namespace(args[1])
	}
	if len(args) > 2 {
		options.LabelSelector = args[2]
	}
	list, err := client.List(ctx, options)
	if err != nil {
		return err
	}
	for _, item := range list.Items {
		fmt.Fprintln(out, item.GetName())
	}
	return nil
}

func objectExists(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	_, err = o.get(ctx)
	return err
}

func objectAbsent(ctx context.Context, c *cluster, out io.Writer, args []string) error {
	err := objectExists(ctx, c, out, args)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err == nil:
		return fmt.Errorf("%s %s exists", args[0], args[1])
	}
	return err
}

func setField(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	path, err := steps(args[2])
	if err != nil {
		return fmt.Errorf("%q does not point at a field: %w", args[2], err)
	}
	if len(path) == 0 {
		return fmt.Errorf("%q points at no field", args[2])
	}
	manager := handManager
	if len(args) == 5 {
		manager = args[4]
	}
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		found, err := o.get(ctx)
		if err != nil {
			return err
		}
		if _, err := setIn(found.Object, path, fromText(args[3])); err != nil {
			return fmt.Errorf("%s: %w", o.words, err)
		}
		return o.update(ctx, found, path[0] == "status", manager)
	})
}

// update writes an object. It uses the status subresource if the status has changed and the
// kind has that subresource.
func (o object) update(ctx context.Context, u *unstructured.Unstructured, status bool, manager string) error {
	options := metav1.UpdateOptions{FieldManager: manager}
	if status {
		_, err := o.client.UpdateStatus(ctx, u, options)
		if !apierrors.IsNotFound(err) {
			return err
		}
	}
	_, err := o.client.Update(ctx, u, options)
	return err
}

func deleteObject(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	background := metav1.DeletePropagationBackground
	return o.client.Delete(ctx, o.name, metav1.DeleteOptions{PropagationPolicy: &background})
}

// scaleObject sets the replicas through the scale subresource, as kubectl scale does.
func scaleObject(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	manager := "kubectl"
	if len(args) == 4 {
		manager = args[3]
	}
	patch := fmt.Appendf(nil, `{"spec":{"replicas":%s}}`, args[2])
	_, err = o.client.Patch(ctx, o.name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager}, "scale")
	return err
}

// create creates the objects of a YAML file.
func (c *cluster) create(ctx context.Context, text io.Reader, dryRun ...string) error {
	return c.each(text, func(client dynamic.ResourceInterface, u *unstructured.Unstructured) error {
		_, err := client.Create(ctx, u, metav1.CreateOptions{FieldManager: "kubectl-create", DryRun: dryRun})
		return err
	})
}

// apply applies the objects of a YAML file by server-side apply, with force.
func (c *cluster) apply(ctx context.Context, text io.Reader, manager string) error {
	return c.each(text, func(client dynamic.ResourceInterface, u *unstructured.Unstructured) error {
		_, err := client.Apply(ctx, u.GetName(), u, metav1.ApplyOptions{FieldManager: manager, Force: true})
		return err
	})
}

// each calls do for each object of a YAML file.
func (c *cluster) each(text io.Reader, do func(dynamic.ResourceInterface, *unstructured.Unstructured) error) error {
	decoder := utilyaml.NewYAMLOrJSONDecoder(text, 4096)
	for {
		u := &unstructured.Unstructured{}
		if err := decoder.Decode(&u.Object); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := c.eachIn(u, do); err != nil {
			return err
		}
	}
}

// eachIn calls do for an object, or for each item of a List.
func (c *cluster) eachIn(u *unstructured.Unstructured, do func(dynamic.ResourceInterface, *unstructured.Unstructured) error) error {
	if len(u.Object) == 0 {
		return nil
	}
	if u.IsList() {
		return u.EachListItem(func(item runtime.Object) error {
			one, ok := item.(*unstructured.Unstructured)
			if !ok {
				return fmt.Errorf("an item of a list is a %T", item)
			}
			return c.eachIn(one, do)
		})
	}
	mapping, err := c.mapping(u.GroupVersionKind())
	if err != nil {
		return err
	}
	return do(c.dynamic.Resource(mapping.Resource).Namespace(u.GetNamespace()), u)
}

// awaitRefusal tries to create objects with dry-runs until the cluster refuses them. No
// event announces that a new policy is in force.
func (c *cluster) awaitRefusal(ctx context.Context, text string) error {
	for {
		err := c.create(ctx, strings.NewReader(text), metav1.DryRunAll)
		if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster still accepts the objects after %s: %w", waitWithin, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// awaitField watches an object until a field has a value. The object need not exist at
// first.
func awaitField(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	last := "it was never seen"
	_, err = watchtools.UntilWithSync(ctx, o.lister(), &unstructured.Unstructured{}, nil, func(e watch.Event) (bool, error) {
		found, ok := e.Object.(*unstructured.Unstructured)
		if !ok || e.Type == watch.Deleted {
			last = "it was deleted"
			return false, nil
		}
		value, missing := lookUp(found.Object, args[2])
		if last = fmt.Sprintf("%s is %s", args[2], asText(value)); missing != nil {
			last = missing.Error()
		}
		return missing == nil && asText(value) == args[3], nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s %s to be %s: %w; it was last %s", o.words, args[2], args[3], err, last)
	}
	return nil
}

// awaitGone watches an object until it does not exist.
func awaitGone(ctx context.Context, c *cluster, _ io.Writer, args []string) error {
	o, err := c.find(args[0], args[1])
	if err != nil {
		return err
	}
	_, err = watchtools.UntilWithSync(ctx, o.lister(), &unstructured.Unstructured{},
		func(store cache.Store) (bool, error) { return len(store.List()) == 0, nil },
		func(e watch.Event) (bool, error) { return e.Type == watch.Deleted, nil })
	if err != nil {
		return fmt.Errorf("wait for %s to be gone: %w", o.words, err)
	}
	return nil
}

// lister lists and watches a single object.
// lister lists and watches the object; without a name, all of its kind in its namespace.
func (o object) lister() *cache.ListWatch {
	only := ""
	if o.name != "" {
		only = fields.OneTermEqualSelector("metadata.name", o.name).String()
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = only
			return o.client.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = only
			return o.client.Watch(ctx, options)
		},
	}
}

// steps splits a JSON pointer (RFC 6901).
func steps(pointer string) ([]string, error) {
	if pointer == "" {
		return nil, nil
	}
	if !strings.HasPrefix(pointer, "/") {
		return nil, fmt.Errorf("%q is not a JSON pointer: one begins with /", pointer)
	}
	list := strings.Split(pointer[1:], "/")
	for i, step := range list {
		list[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
	}
	return list, nil
}

// lookUp returns the value at a JSON pointer.
func lookUp(value any, pointer string) (any, error) {
	path, err := steps(pointer)
	if err != nil {
		return nil, err
	}
	for i, step := range path {
		missing := fmt.Errorf("there is no /%s", strings.Join(path[:i+1], "/"))
		switch v := value.(type) {
		case map[string]any:
			var ok bool
			if value, ok = v[step]; !ok {
				return nil, missing
			}
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(v) {
				return nil, missing
			}
			value = v[n]
		default:
			return nil, missing
		}
	}
	return value, nil
}

// setIn returns root with the given value at a path; nil removes the field. Maps that are
// missing on the way are added.
func setIn(root any, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	switch r := root.(type) {
	case nil:
		return setIn(map[string]any{}, path, value)
	case map[string]any:
		child, err := setIn(r[path[0]], path[1:], value)
		if child == nil {
			delete(r, path[0])
			return r, err
		}
		r[path[0]] = child
		return r, err
	case []any:
		n, err := strconv.Atoi(path[0])
		if err != nil || n < 0 || n >= len(r) {
			return r, fmt.Errorf("there is no element %s to set", path[0])
		}
		r[n], err = setIn(r[n], path[1:], value)
		return r, err
	}
	return root, fmt.Errorf("there is nothing in which to set %s", path[0])
}

// asText writes a value as scripts compare it: a string unchanged, other values as JSON.
func asText(value any) string {
	if text, ok := value.(string); ok {
		return text
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(data)
}

// fromText parses a value: as JSON if possible, otherwise it is a string.
func fromText(text string) any {
	var value any
	if err := utilyaml.Unmarshal([]byte(text), &value); err != nil || !json.Valid([]byte(text)) {
		return text
	}
	return value
}
