package kube

import (
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestNoticeAsEvent(t *testing.T) {
	for title, c := range map[string]struct {
		notice    Notice
		namespace string
		kind      string
		regarding string // of its namespace and uid
	}{
		"an object in a namespace":      {Notice{Kind: "Service", Namespace: "shop", Name: "web", UID: "u1", Warning: true}, "shop", "Warning", "shop u1"},
		"an object without a namespace": {Notice{Kind: "ClusterRole", Name: "web"}, "default", "Normal", " "},
		"a namespace, in itself":        {Notice{Kind: "Namespace", Name: "shop"}, "shop", "Normal", "shop "},
	} {
		t.Run(title, func(t *testing.T) {
			c.notice.APIVersion, c.notice.Reason, c.notice.Action, c.notice.Time = "v1", "Drifted", "Compare", time.Unix(0, 1000).UTC()
			c.notice.Note = strings.Repeat("ä", maxNote)
			e := c.notice.event("me").Object
			text := func(fields ...string) string {
				value, _, err := unstructured.NestedString(e, fields...)
				if err != nil {
					t.Error(err)
				}
				return value
			}
			if got := text("metadata", "namespace"); got != c.namespace || got != c.notice.At() {
				t.Errorf("it is in namespace %q, want %q", got, c.namespace)
			}
			if text("type") != c.kind || text("regarding", "namespace")+" "+text("regarding", "uid") != c.regarding {
				t.Errorf("it is %v", e)
			}
			if note := text("note"); len(note) > 1024 || !strings.HasSuffix(note, "ä ...") {
				t.Errorf("its note has %d bytes: the API server takes 1,024", len(note))
			}
			if got := text("eventTime"); got != "1970-01-01T00:00:00.000001Z" {
				t.Errorf("its time is %s", got)
			}
		})
	}
}
