package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/config"
	"sigs.k8s.io/kwok/pkg/kwok/controllers"
	"sigs.k8s.io/kwok/pkg/log"
	"sigs.k8s.io/kwok/pkg/utils/client"
	"sigs.k8s.io/kwok/pkg/utils/lifecycle"
)

// stageFiles define how objects move from state to state where KWOK's own stages do not
// fit: above all, pods that fail on purpose.
//
//go:embed stages/*.yaml
var stageFiles embed.FS

// stageSet holds the stages by the kind that they are for.
type stageSet map[internalversion.StageResourceRef][]*internalversion.Stage

// loadStages reads the embedded stages, ours and those of KWOK that we keep.
func loadStages() (stageSet, error) {
	names, err := fs.Glob(stageFiles, "stages/*.yaml")
	if err != nil {
		return nil, err
	}
	stages := stageSet{}
	for _, text := range []string{nodefast.DefaultNodeInit, podfast.DefaultPodDelete} {
		if err := stages.add([]byte(text)); err != nil {
			return nil, fmt.Errorf("read KWOK's stage: %w", err)
		}
	}
	for _, name := range names {
		data, err := stageFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if err := stages.add(data); err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
	}
	return stages, nil
}

func (s stageSet) add(data []byte) error {
	stage, err := config.UnmarshalWithType[*internalversion.Stage](data)
	if err != nil {
		return err
	}
	ref := stage.Spec.ResourceRef
	s[ref] = append(s[ref], stage)
	return nil
}

// runKWOK simulates the kubelet of every node until ctx ends.
func (c *cluster) runKWOK(ctx context.Context) error {
	conf, err := c.kwokConfig()
	if err != nil {
		return err
	}
	if err := tryStages(ctx, conf.LocalStages); err != nil {
		return err
	}
	controller, err := controllers.NewController(conf)
	if err != nil {
		return fmt.Errorf("make the controller: %w", err)
	}
	ctx = log.NewContext(ctx, log.NewLogger(c.state.log, log.LevelWarn))
	if err := controller.Start(ctx); err != nil {
		return fmt.Errorf("start the controller: %w", err)
	}
	<-ctx.Done()
	return nil
}

// tryStages evaluates the stages of pods and nodes once. That fills maps of the library
// behind them (github.com/wzshiming/easycel v0.6.0), which have no lock: KWOK's
// workers, which start in parallel, then only read them. Otherwise a start on a busy
// machine could end in "fatal error: concurrent map read and map write".
func tryStages(ctx context.Context, stages stageSet) error {
	for kind, object := range map[string]any{"Node": &corev1.Node{}, "Pod": &corev1.Pod{}} {
		list, err := lifecycle.NewLifecycle(stages[internalversion.StageResourceRef{APIGroup: "v1", Kind: kind}])
		if err != nil {
			return fmt.Errorf("read the stages of %s: %w", kind, err)
		}
		if _, err := list.ListAllPossible(ctx, &lifecycle.Event{Data: object}); err != nil {
			return fmt.Errorf("try the stages of %s: %w", kind, err)
		}
	}
	return nil
}

func (c *cluster) kwokConfig() (controllers.Config, error) {
	stages, err := loadStages()
	if err != nil {
		return controllers.Config{}, err
	}
	conf := controllers.Config{
		Clock:                           clock.RealClock{},
		ManageAllNodes:                  true,
		CIDR:                            "10.244.0.0/16",
		NodeIP:                          "127.0.0.1",
		LocalStages:                     stages,
		PodPlayStageParallelism:         16,
		NodePlayStageParallelism:        2,
		PodsOnNodeSyncParallelism:       2,
		EnablePodsOnNodeSyncListPager:   true,
		ID:                              "devcluster",
		NodeLeaseDurationSeconds:        0, // no leases: nobody watches them here
		EnablePodsOnNodeSyncStreamWatch: false,
	}
	return conf, c.kwokClients(&conf)
}

// kwokClients gives KWOK its clients for the API server.
func (c *cluster) kwokClients(conf *controllers.Config) error {
	set, err := client.NewClientset("", c.state.path(pkiDir, "kwok.kubeconfig"))
	if err != nil {
		return fmt.Errorf("make clients: %w", err)
	}
	restConfig, err := set.ToRESTConfig()
	if err != nil {
		return fmt.Errorf("make clients: %w", err)
	}
	if conf.DynamicClient, err = set.ToDynamicClient(); err != nil {
		return fmt.Errorf("make clients: %w", err)
	}
	if conf.RESTMapper, err = set.ToRESTMapper(); err != nil {
		return fmt.Errorf("make clients: %w", err)
	}
	if conf.RESTClient, err = rest.RESTClientFor(restConfig); err != nil {
		return fmt.Errorf("make clients: %w", err)
	}
	if conf.TypedClient, err = kubernetes.NewForConfig(restConfig); err != nil {
		return fmt.Errorf("make clients: %w", err)
	}
	conf.ImpersonatingDynamicClient = set.ToImpersonatingDynamicClient()
	conf.ImpersonatingTypedClient = set.ToImpersonatingTypedClient()
	return nil
}
