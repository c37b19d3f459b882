package fleet

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/pushboat/pushboat/internal/access/rules"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/manifest"
)

// Keys decrypt the files of admin.git.
type Keys interface {
	Decrypt(ctx context.Context, name string, data []byte) ([]byte, *manifest.Problem)
}

const (
	// openWithin bounds the decryption of a cluster's file.
	openWithin = 20 * time.Second
	// meetWithin bounds the first questions to a cluster that a push adds.
	meetWithin = 5 * time.Second
)

// Propose says what is wrong with the clusters of a revision of admin.git. Warnings are about
// clusters that do not answer: their apps would wait.
func (f *Fleet) Propose(next []*rules.Cluster) (warnings []string, problems manifest.Problems) {
	f.mu.Lock()
	configured, ruled, members := f.configured, f.ruled, maps.Clone(f.members)
	f.mu.Unlock()
	named := map[string]Member{}
	var fresh []Member
	for _, c := range next {
		if at := slices.IndexFunc(configured, func(m Member) bool { return m.Name == c.Name }); at >= 0 {
			problems = append(problems, manifest.Problem{
				Source:  c.At,
				Message: fmt.Sprintf("cluster %s is named twice: here, and by the server's configuration (%s)", c.Name, configured[at].Place),
				Hint:    "give it another name here, or remove it from one of the two",
			})
			continue
		}
		m, problem := f.member(c)
		if problem != nil {
			problems = append(problems, *problem)
			continue
		}
		named[c.Name] = m
		if members[c.Name].Way.Print != m.Way.Print {
			fresh = append(fresh, m)
		}
	}
	for _, m := range ruled {
		if _, stays := named[m.Name]; !stays && !slices.ContainsFunc(next, func(c *rules.Cluster) bool { return c.Name == m.Name }) {
			problems = append(problems, f.missed(m, configured)...)
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return f.greet(fresh), nil
}

// missed is the problem of a cluster that goes while it has apps.
func (f *Fleet) missed(m Member, configured []Member) manifest.Problems {
	apps := f.engine.AppsOnCluster(m.Name)
	if len(apps) == 0 || slices.ContainsFunc(configured, func(c Member) bool { return c.Name == m.Name }) {
		return nil
	}
	names := make([]string, 0, len(apps))
	for i, app := range apps {
		if i == maxNamed {
			names = append(names, fmt.Sprintf("%d more", len(apps)-i))
			break
		}
		names = append(names, string(app))
	}
	return manifest.Problems{{
		Source:  manifest.Source{File: m.Place},
		Message: fmt.Sprintf("cluster %s has apps: %s", m.Name, strings.Join(names, ", ")),
		Hint:    "remove them from the pushboat.yaml of their branches first; then nothing is left on the cluster\nwhere clusters: has selected it, take away its labels instead, in a push of its own\nwhere a clusters generator without a selector has, give that one",
	}}
}

// maxNamed bounds the apps that a problem names.
const maxNamed = 8

// greet asks clusters that come for the first time who they are, all at once, and says which
// do not answer, or are others than before.
func (f *Fleet) greet(fresh []Member) []string {
	ctx, cancel := context.WithTimeout(f.Context, meetWithin)
	defer cancel()
	warnings := make([]string, len(fresh))
	var all sync.WaitGroup
	for i, m := range fresh {
		all.Go(func() { warnings[i] = f.greetOne(ctx, m) })
	}
	all.Wait()
	return slices.DeleteFunc(warnings, func(w string) bool { return w == "" })
}

func (f *Fleet) greetOne(ctx context.Context, m Member) string {
	cluster, err := kube.OpenWay(m.Name, m.Way, f.Log)
	if err != nil {
		return fmt.Sprintf("  ! cluster %s: %v", m.Name, err)
	}
	defer cluster.Hold(kube.HeldError{Cluster: m.Name, Why: "it was only asked who it is"})
	id, err := cluster.Identity(ctx)
	known, _ := f.identities.of(m.Name)
	switch {
	case kube.IsUnreachable(err) || errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("  ! cluster %s does not answer: its apps wait until it does", m.Name)
	case err != nil:
		return fmt.Sprintf("  ! cluster %s: %v", m.Name, err)
	case known.ID != "" && id != "" && known.ID != id:
		return fmt.Sprintf("  ! cluster %s is another one than before: its apps wait until an admin accepts it, ssh HOST cluster accept %s", m.Name, m.Name)
	}
	return ""
}

// Take has the clusters of admin.git be those of a revision. One that cannot be reached as
// its file says, because a key or a file on the server's disk is gone, stays as it was.
func (f *Fleet) Take(next []*rules.Cluster) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ruled []Member
	for _, c := range next {
		m, problem := f.member(c)
		if problem != nil {
			f.Log.WithField("cluster", c.Name).Errorf("cluster: %s: %s", c.At, problem.Message)
			former := slices.IndexFunc(f.ruled, func(m Member) bool { return m.Name == c.Name })
			if former < 0 {
				continue
			}
			m = f.ruled[former]
			m.Labels, m.Annotations = c.Labels, c.Annotations
		}
		ruled = append(ruled, m)
	}
	f.ruled = ruled
	if err := f.change(); err != nil {
		f.Log.Errorf("cluster: %v", err)
	}
}

// member is a cluster of admin.git as a member.
func (f *Fleet) member(c *rules.Cluster) (Member, *manifest.Problem) {
	way, err := f.way(c)
	if problem, ok := errors.AsType[manifest.Problem](err); ok {
		problem.Source = manifest.Source{File: c.Sealed}
		return Member{}, &problem
	}
	if err != nil {
		return Member{}, &manifest.Problem{Source: c.At, Message: "cluster " + c.Name + ": " + err.Error(), Hint: "mend the file; what the server allows stands in its configuration: clusterPrograms, clusterFiles"}
	}
	return Member{Name: c.Name, Place: c.At.File, Labels: c.Labels, Annotations: c.Annotations, Way: way}, nil
}

// way finds out how a cluster of admin.git is reached.
func (f *Fleet) way(c *rules.Cluster) (kube.Way, error) {
	allowed := *f.allowed.Load()
	switch {
	case c.InCluster:
		return kube.InCluster()
	case c.Sealed == "":
		return allowed.Server(c.Server, c.CA, c.TokenFile)
	}
	ctx, cancel := context.WithTimeout(f.Context, openWithin)
	defer cancel()
	text, problem := f.Keys.Decrypt(ctx, c.Sealed, c.Text)
	if problem != nil {
		return kube.Way{}, *problem
	}
	if !c.Beside {
		var err error
		if text, err = kubeconfigIn(text); err != nil {
			return kube.Way{}, err
		}
	}
	return allowed.Kubeconfig(text)
}

// kubeconfigIn returns the kubeconfig in a cluster's file: text, or the mapping itself.
func kubeconfigIn(file []byte) ([]byte, error) {
	var fields struct {
		Kubeconfig yaml.Node `yaml:"kubeconfig"`
	}
	if yaml.Unmarshal(file, &fields) != nil {
		return nil, errors.New("it is no YAML once it is decrypted")
	}
	if fields.Kubeconfig.Kind == yaml.ScalarNode {
		return []byte(fields.Kubeconfig.Value), nil
	}
	return yaml.Marshal(&fields.Kubeconfig)
}
