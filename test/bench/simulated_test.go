package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPlaceOf(t *testing.T) {
	for path, want := range map[string]place{
		"/api/v1/configmaps":                               {resource: "configmaps"},
		"/api/v1/namespaces/shop/configmaps":               {"configmaps", "shop", ""},
		"/api/v1/namespaces/shop/configmaps/a":             {"configmaps", "shop", "a"},
		"/api/v1/namespaces/pushboat-system/secrets/a":     {"secrets", "pushboat-system", "a"},
		"/api/v1/namespaces/shop/secrets/a":                {},
		"/api/v1/secrets":                                  {},
		"/api/v1/namespaces/kube-system":                   {},
		"/apis/apps/v1/namespaces/shop/deployments/a":      {},
		"/api/v1/namespaces/shop/configmaps/a/status/more": {},
	} {
		if got, ok := placeOf(path); ok != (want != place{}) || ok && got != want {
			t.Errorf("%s is %+v, simulated: %t", path, got, ok)
		}
	}
}

// do makes a request of a simulated API, and reads its answer.
func (s *simulated) do(t *testing.T, method, path, accept, body string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Accept", accept)
	if method == http.MethodPatch {
		r.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var answer map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		t.Fatalf("%s %s: %q: %v", method, path, w.Body, err)
	}
	return w.Code, answer
}

const (
	onePath  = "/api/v1/namespaces/shop/configmaps/one?fieldManager=pushboat"
	oneText  = `{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "labels": {"applyset.kubernetes.io/part-of": "set"}}, "data": {"level": "info"}}`
	metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
)

func metadataOf(object map[string]any) map[string]any {
	m, _ := object["metadata"].(map[string]any)
	return m
}

func TestSimulatedApply(t *testing.T) {
	s := simulate(nil)
	if _, tried := s.do(t, http.MethodPatch, onePath+"&dryRun=All", metadata, oneText); metadataOf(tried)["resourceVersion"] != nil || tried["kind"] != "PartialObjectMetadata" {
		t.Errorf("a dry run of what is not there: %v", tried)
	}
	if code, _ := s.do(t, http.MethodGet, onePath, "", ""); code != http.StatusNotFound {
		t.Errorf("a dry run has stored it: %d", code)
	}
	_, first := s.do(t, http.MethodPatch, onePath, "", oneText)
	_, again := s.do(t, http.MethodPatch, onePath, "", oneText)
	if version := metadataOf(first)["resourceVersion"]; version == nil || metadataOf(again)["resourceVersion"] != version || metadataOf(again)["uid"] != metadataOf(first)["uid"] {
		t.Errorf("applied twice: %v, then %v", first, again)
	}
	owners, err := json.Marshal(metadataOf(first)["managedFields"])
	if err != nil || !strings.Contains(string(owners), `"fieldsV1":{"f:data":{"f:level":{}},"f:metadata":{"f:labels":{"f:applyset.kubernetes.io/part-of":{}}}}`) {
		t.Errorf("its owners are %s, %v", owners, err)
	}
	_, other := s.do(t, http.MethodPatch, onePath, "", strings.Replace(oneText, "info", "debug", 1))
	if metadataOf(other)["resourceVersion"] == metadataOf(first)["resourceVersion"] {
		t.Error("a change has no version of its own")
	}
	if _, list := s.do(t, http.MethodGet, "/api/v1/configmaps?labelSelector=applyset.kubernetes.io/part-of", metadata, ""); len(list["items"].([]any)) != 1 {
		t.Errorf("the list is %v", list)
	}
	s.do(t, http.MethodDelete, onePath, "", "")
	if code, _ := s.do(t, http.MethodGet, onePath, "", ""); code != http.StatusNotFound {
		t.Errorf("after its deletion: %d", code)
	}
}

// TestSimulatedWatch: a watch begins with what there is, and tells of a hand edit and of its
// end.
func TestSimulatedWatch(t *testing.T) {
	s := simulate(nil)
	s.do(t, http.MethodPatch, onePath, "", oneText)
	server := httptest.NewServer(s)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/configmaps?watch=true&sendInitialEvents=true", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	next := func(kind, text string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), `"type":"`+kind+`"`) || !strings.Contains(lines.Text(), text) {
			t.Fatalf("the watch says %q, %v; want %s with %s", lines.Text(), lines.Err(), kind, text)
		}
	}
	next("ADDED", `"level":"info"`)
	next("BOOKMARK", `"k8s.io/initial-events-end":"true"`)
	_, undo, err := s.editByHand("shop", "one", "level", "debug")
	if err != nil {
		t.Fatal(err)
	}
	next("MODIFIED", `"manager":"kubectl-edit"`)
	undo()
	next("MODIFIED", `"level":"info"`)
	if strings.Contains(lines.Text(), "kubectl-edit") {
		t.Errorf("what was undone has its owner: %s", lines.Text())
	}
	if _, _, err := s.editByHand("shop", "two", "level", "debug"); err == nil {
		t.Error("what is not there can be edited")
	}
}
