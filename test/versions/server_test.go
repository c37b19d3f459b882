package versions

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
	discoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/pushboat/pushboat/internal/kube"
)

// release describes the API server of a release, with its configuration.
type release struct {
	version    string // of the documents in testdata, such as 1.36.2
	aggregated bool   // whether one request reads all of discovery
	streams    bool   // whether a watch may begin with the list (the feature gate WatchList)
	protobuf   bool
}

// apiServer answers like an API server of a release. It has ConfigMaps only, and accepts no
// writes.
type apiServer struct {
	release
	t *testing.T

	mu       sync.Mutex
	objects  []*metav1.PartialObjectMetadata
	version  int
	history  []watchEvent
	watchers map[chan watchEvent]struct{}
	asked    []string // "METHOD PATH?QUERY", with the accepted types
}

type watchEvent struct {
	Type   string                        `json:"type"`
	Object *metav1.PartialObjectMetadata `json:"object"`
}

// serve starts an API server of a release, and opens it as a cluster.
func serve(t *testing.T, r release) (*apiServer, *kube.Cluster) {
	t.Helper()
	s := &apiServer{release: r, t: t, version: 100, watchers: map[chan watchEvent]struct{}{}}
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(func() {
		server.CloseClientConnections() // this ends the watches
		server.Close()
	})
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	log := logrus.New()
	log.SetLevel(logrus.PanicLevel)
	cluster, err := kube.Open("default", &rest.Config{Host: server.URL, TLSClientConfig: rest.TLSClientConfig{CAData: ca}}, logrus.NewEntry(log))
	if err != nil {
		t.Fatal(err)
	}
	return s, cluster
}

// read decodes a document of the release.
func (s *apiServer) read(name string, into any) {
	text, err := os.ReadFile(filepath.Join("testdata", s.release.version, name))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		s.t.Error(err)
	}
}

// has creates or changes a ConfigMap of an ApplySet, and sends the event to all watches.
func (s *apiServer) has(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version++
	object := &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "shop", Name: name, UID: "u", ResourceVersion: fmt.Sprint(s.version), Labels: map[string]string{kube.PartOfLabel: "set"},
			ManagedFields: []metav1.ManagedFieldsEntry{{
				Manager: kube.FieldManager, Operation: metav1.ManagedFieldsOperationApply, APIVersion: "v1", FieldsType: "FieldsV1",
				FieldsV1: metav1.NewFieldsV1(`{"f:data":{"f:colour":{}}}`),
			}},
		},
	}
	event := watchEvent{"ADDED", object}
	for i, old := range s.objects {
		if old.Name == name {
			s.objects[i], event.Type = object, "MODIFIED"
		}
	}
	if event.Type == "ADDED" {
		s.objects = append(s.objects, object)
	}
	s.history = append(s.history, event)
	for watcher := range s.watchers {
		watcher <- event
	}
}

// since returns the events after a resource version.
func (s *apiServer) since(version string) []watchEvent {
	return slices.DeleteFunc(slices.Clone(s.history), func(e watchEvent) bool {
		return len(e.Object.ResourceVersion) < len(version) || e.Object.ResourceVersion <= version
	})
}

// requests lists the requests so far, with the types that they accept and send.
func (s *apiServer) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.asked...)
}

// ServeHTTP implements http.Handler.
func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.asked = append(s.asked, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Accept")+" "+r.Header.Get("Content-Type"))
	s.mu.Unlock()
	switch path := r.URL.Path; {
	case path == "/version":
		answer(w, map[string]string{"major": "1", "minor": strings.Split(s.release.version, ".")[1], "gitVersion": "v" + s.release.version})
	case path == "/api", path == "/apis", strings.HasPrefix(path, "/apis/") && strings.Count(path, "/") <= 3, path == "/api/v1":
		s.discover(w, r)
	case strings.HasPrefix(path, "/openapi/v3/"):
		s.schema(w, strings.TrimPrefix(path, "/openapi/v3/"))
	case path == "/api/v1/configmaps" && r.URL.Query().Get("watch") != "":
		s.watch(w, r)
	case path == "/api/v1/configmaps":
		s.list(w, r)
	case r.Method == http.MethodPatch:
		s.refuse(w, r)
	default:
		fail(w, http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource")
	}
}

// answer writes a value as JSON.
func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(value)
}

// fail writes a Status object.
func fail(w http.ResponseWriter, code int32, reason metav1.StatusReason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(int(code))
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"},
		Status:   metav1.StatusFailure, Code: code, Reason: reason, Message: message,
	})
}

// schema answers with an excerpt of the release's OpenAPI document for a group version.
func (s *apiServer) schema(w http.ResponseWriter, of string) {
	var document map[string]any
	s.read(strings.ReplaceAll(of, "/", "__")+"_openapi.json", &document)
	answer(w, document)
}

// refuse answers an apply in the way that server-side apply does for a field that is not in
// the schema.
func (s *apiServer) refuse(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Content-Type") != "application/apply-patch+yaml" {
		fail(w, http.StatusUnsupportedMediaType, metav1.StatusReasonUnsupportedMediaType, "the body of the request was in an unknown format")
		return
	}
	fail(w, http.StatusInternalServerError, "", "failed to create typed patch object (shop/web; apps/v1, Kind=Deployment): .spec.replica: field not declared in schema")
}

// list answers with the metadata of the ConfigMaps, as protobuf if the server supports it.
func (s *apiServer) list(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := &metav1.PartialObjectMetadataList{
		TypeMeta: metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadataList"},
		ListMeta: metav1.ListMeta{ResourceVersion: fmt.Sprint(s.version)},
	}
	for _, object := range s.objects {
		list.Items = append(list.Items, *object)
	}
	if !s.protobuf || !strings.Contains(r.Header.Get("Accept"), "application/vnd.kubernetes.protobuf") {
		answer(w, list)
		return
	}
	raw, err := list.Marshal()
	if err != nil {
		s.t.Error(err)
	}
	wrapped := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: list.APIVersion, Kind: list.Kind}, Raw: raw}
	text, err := wrapped.Marshal()
	if err != nil {
		s.t.Error(err)
	}
	w.Header().Set("Content-Type", "application/vnd.kubernetes.protobuf")
	_, _ = w.Write(append([]byte("k8s\x00"), text...))
}

// watch streams events as JSON. The list comes before them, if the client asks for it and
// the server supports it.
func (s *apiServer) watch(w http.ResponseWriter, r *http.Request) {
	begin := r.URL.Query().Get("sendInitialEvents") == "true"
	if begin && !s.streams {
		fail(w, http.StatusUnprocessableEntity, metav1.StatusReasonInvalid,
			`ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled`)
		return
	}
	events := make(chan watchEvent, 100)
	s.mu.Lock()
	if !begin {
		for _, event := range s.since(r.URL.Query().Get("resourceVersion")) {
			events <- event
		}
	} else {
		for _, object := range s.objects {
			events <- watchEvent{"ADDED", object}
		}
		events <- watchEvent{"BOOKMARK", &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "meta.k8s.io/v1", Kind: "PartialObjectMetadata"},
			ObjectMeta: metav1.ObjectMeta{ResourceVersion: fmt.Sprint(s.version), Annotations: map[string]string{metav1.InitialEventsAnnotationKey: "true"}},
		}}
	}
	s.watchers[events] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watchers, events)
	}()
	w.Header().Set("Content-Type", "application/json")
	control := http.NewResponseController(w)
	_ = control.Flush()
	for {
		select {
		case event := <-events:
			_ = json.NewEncoder(w).Encode(event)
			_ = control.Flush()
		case <-r.Context().Done():
			return
		}
	}
}

// discover answers with discovery, in the form that the client asks for and the release
// supports.
func (s *apiServer) discover(w http.ResponseWriter, r *http.Request) {
	var groups discoveryv2.APIGroupDiscoveryList
	s.read("groups.json", &groups)
	var core metav1.APIResourceList
	s.read("core.json", &core)
	whole := s.aggregated && strings.Contains(r.Header.Get("Accept"), "v=v2;as=APIGroupDiscoveryList")
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case whole && r.URL.Path == "/api":
		groups.Items = []discoveryv2.APIGroupDiscovery{{Versions: []discoveryv2.APIVersionDiscovery{{Version: "v1", Resources: aggregate(core), Freshness: discoveryv2.DiscoveryFreshnessCurrent}}}}
		fallthrough
	case whole && r.URL.Path == "/apis":
		w.Header().Set("Content-Type", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		_ = json.NewEncoder(w).Encode(groups)
	case r.URL.Path == "/api":
		answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
	case r.URL.Path == "/api/v1":
		answer(w, core)
	case r.URL.Path == "/apis":
		answer(w, plainGroups(groups))
	case len(parts) == 3:
		answer(w, plainResources(groups, parts[1], parts[2]))
	default:
		fail(w, http.StatusNotFound, metav1.StatusReasonNotFound, "the server could not find the requested resource")
	}
}

// aggregate converts the plain discovery of a group version to its aggregated form.
func aggregate(list metav1.APIResourceList) (resources []discoveryv2.APIResourceDiscovery) {
	for _, r := range list.APIResources {
		if strings.Contains(r.Name, "/") {
			continue
		}
		scope := discoveryv2.ScopeCluster
		if r.Namespaced {
			scope = discoveryv2.ScopeNamespace
		}
		resources = append(resources, discoveryv2.APIResourceDiscovery{
			Resource: r.Name, ResponseKind: &metav1.GroupVersionKind{Kind: r.Kind}, Scope: scope,
			SingularResource: r.SingularName, Verbs: r.Verbs, ShortNames: r.ShortNames, Categories: r.Categories,
		})
	}
	return resources
}

// plainGroups converts aggregated discovery to the form of API servers without it.
func plainGroups(groups discoveryv2.APIGroupDiscoveryList) metav1.APIGroupList {
	list := metav1.APIGroupList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIGroupList"}}
	for _, g := range groups.Items {
		group := metav1.APIGroup{Name: g.Name}
		for _, v := range g.Versions {
			group.Versions = append(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: g.Name + "/" + v.Version, Version: v.Version})
		}
		group.PreferredVersion = group.Versions[0]
		list.Groups = append(list.Groups, group)
	}
	return list
}

func plainResources(groups discoveryv2.APIGroupDiscoveryList, group, version string) metav1.APIResourceList {
	list := metav1.APIResourceList{TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "APIResourceList"}, GroupVersion: group + "/" + version}
	for _, g := range groups.Items {
		for _, v := range g.Versions {
			if g.Name != group || v.Version != version {
				continue
			}
			for _, r := range v.Resources {
				list.APIResources = append(list.APIResources, metav1.APIResource{
					Name: r.Resource, SingularName: r.SingularResource, Namespaced: r.Scope == discoveryv2.ScopeNamespace,
					Kind: r.ResponseKind.Kind, Verbs: r.Verbs, ShortNames: r.ShortNames, Categories: r.Categories,
				})
			}
		}
	}
	return list
}
