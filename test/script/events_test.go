package script

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/watch"
	watchtools "k8s.io/client-go/tools/watch"
)

// awaitEvent watches the Events in a namespace until one matches. An Event reads as
// "TYPE REASON KIND/NAME: NOTE", followed by " xN" if it counts several.
func awaitEvent(ctx context.Context, c *cluster, out io.Writer, args []string) error {
	pattern, err := regexp.Compile(args[1])
	if err != nil {
		return err
	}
	o, err := c.find("event", args[0]+"/")
	if err != nil {
		return err
	}
	var seen []string
	_, err = watchtools.UntilWithSync(ctx, o.lister(), &unstructured.Unstructured{}, nil, func(e watch.Event) (bool, error) {
		found, ok := e.Object.(*unstructured.Unstructured)
		if !ok || e.Type == watch.Deleted {
			return false, nil
		}
		line := eventLine(found)
		seen = append(seen, line)
		if !pattern.MatchString(line) {
			return false, nil
		}
		_, err := fmt.Fprintln(out, line)
		return true, err
	})
	if err != nil {
		return fmt.Errorf("wait for an Event that matches %q: %w; there were:\n%s", args[1], err, strings.Join(seen, "\n"))
	}
	return nil
}

func eventLine(e *unstructured.Unstructured) string {
	text := func(fields ...string) string {
		value, _, _ := unstructured.NestedString(e.Object, fields...)
		return value
	}
	line := fmt.Sprintf("%s %s %s/%s: %s", text("type"), text("reason"), text("involvedObject", "kind"), text("involvedObject", "name"), text("message"))
	if count, several, _ := unstructured.NestedInt64(e.Object, "series", "count"); several {
		line += fmt.Sprintf(" x%d", count)
	}
	return line
}
