package kube

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"
)

// jsonOnly is a connection to an API server that does not speak protobuf.
type jsonOnly struct{ next http.RoundTripper }

func (j jsonOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	_, accept, _ := strings.Cut(request.Header.Get("Accept"), ",")
	request.Header.Set("Accept", accept)
	return j.next.RoundTrip(request)
}

// TestListVersions compares the list with client-go's own list of metadata.
func TestListVersions(t *testing.T) {
	config := testConfig(t)
	speaksJSON := rest.CopyConfig(config)
	speaksJSON.Wrap(func(next http.RoundTripper) http.RoundTripper { return jsonOnly{next} })
	for form, c := range map[string]*Cluster{"protobuf": must[*Cluster](t)(Open("default", config, quiet())), "JSON": must[*Cluster](t)(Open("default", speaksJSON, quiet()))} {
		t.Run(form, func(t *testing.T) {
			testListVersions(t, c)
		})
	}
}

func testListVersions(t *testing.T, c *Cluster) {
	ns := newNamespace(t, c, "versions")
	var kind Kind
	for i := range 5 {
		o := object(t, fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a%d, namespace: %s, labels: {list: %[2]s}}", i, ns))
		kind = kindOf(t, c, o)
		must[*unstructured.Unstructured](t)(c.Apply(t.Context(), kind, o.Unstructured, ApplyOptions{}))
	}
	options := metav1.ListOptions{LabelSelector: "list=" + ns, Limit: 2}
	wanted := map[string]metav1.PartialObjectMetadata{}
	for _, m := range must[*metav1.PartialObjectMetadataList](t)(c.metadata.Resource(kind.Resource).List(t.Context(),
		metav1.ListOptions{LabelSelector: options.LabelSelector})).Items {
		wanted[m.Name] = m
	}
	if len(wanted) != 5 {
		t.Fatalf("client-go lists %d objects", len(wanted))
	}
	for pages := 1; ; pages++ {
		page := must[*VersionList](t)(c.ListVersions(t.Context(), kind, options))
		if page.ResourceVersion == "" {
			t.Error("the list has no version")
		}
		for _, v := range page.Items {
			want := wanted[v.Name]
			delete(wanted, v.Name)
			if v.Namespace != ns || v.UID != want.UID || v.ResourceVersion != want.ResourceVersion {
				t.Errorf("%+v is not %s of %s", v, want.ResourceVersion, want.Name)
			}
			if got := must[*metav1.PartialObjectMetadata](t)(v.Metadata()); !sameMeta(t, got, &want) {
				t.Errorf("the metadata of %s is\n%+v\nand not\n%+v", v.Name, got, want)
			}
		}
		if options.Continue = page.Continue; options.Continue == "" {
			if pages != 3 || len(wanted) != 0 {
				t.Errorf("%d pages, without %v", pages, wanted)
			}
			break
		}
	}
	options.Continue = "not a token"
	if _, err := c.ListVersions(t.Context(), kind, options); !apierrors.IsBadRequest(err) {
		t.Errorf("a broken token: %v", err)
	}
	kind.Resource.Resource = "boats"
	if _, err := c.ListVersions(t.Context(), kind, options); !IsNotFound(err) {
		t.Errorf("an unknown kind: %v", err)
	}
}

// sameMeta compares metadata as JSON, in which times have no location.
func sameMeta(t *testing.T, a, b *metav1.PartialObjectMetadata) bool {
	t.Helper()
	var texts [2]map[string]any
	for i, m := range []*metav1.PartialObjectMetadata{a, b} {
		if err := json.Unmarshal(must[[]byte](t)(json.Marshal(m.ObjectMeta)), &texts[i]); err != nil {
			t.Fatal(err)
		}
	}
	return reflect.DeepEqual(texts[0], texts[1])
}

func encodedList(t testing.TB, list *metav1.PartialObjectMetadataList) []byte {
	t.Helper()
	raw, err := list.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return append([]byte{unknownRaw<<3 | 2, byte(len(raw))}, raw...)
}

func TestBrokenVersions(t *testing.T) {
	whole := encodedList(t, &metav1.PartialObjectMetadataList{
		ListMeta: metav1.ListMeta{ResourceVersion: "7"},
		Items:    []metav1.PartialObjectMetadata{{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u", ResourceVersion: "6", Generation: 3}}},
	})
	list, err := versionsOfProtobuf(whole)
	if err != nil || len(list.Items) != 1 || list.Items[0].Name != "a" || list.ResourceVersion != "7" {
		t.Fatalf("%+v, %v", list, err)
	}
	for n := range whole {
		if list, err := versionsOfProtobuf(whole[:n]); err == nil {
			t.Errorf("the first %d bytes of %d are taken for %+v", n, len(whole), list)
		}
	}
}

func FuzzVersions(f *testing.F) {
	f.Add(encodedList(f, &metav1.PartialObjectMetadataList{Items: []metav1.PartialObjectMetadata{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}}}))
	f.Fuzz(func(t *testing.T, data []byte) {
		list, err := versionsOfProtobuf(data)
		if (list == nil) == (err == nil) {
			t.Fatalf("%+v, %v", list, err)
		}
		if err != nil {
			return
		}
		for _, v := range list.Items {
			m, err := v.Metadata()
			if err != nil {
				continue
			}
			if m.Name != v.Name || m.Namespace != v.Namespace || m.UID != v.UID || m.ResourceVersion != v.ResourceVersion {
				t.Errorf("%+v is %+v to client-go", v, m)
			}
		}
	})
}
