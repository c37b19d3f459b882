package main

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	"k8s.io/kubernetes/cmd/kube-controller-manager/names"
)

// disabledControllers have nothing to do on a cluster without machines, disks, metrics
// or certificate requests, or would disturb it: node lifecycle marks nodes dead after a
// laptop has slept, and the HPA controller keeps complaining about missing metrics.
var disabledControllers = []string{
	names.CertificateSigningRequestApprovingController,
	names.CertificateSigningRequestCleanerController,
	names.CertificateSigningRequestSigningController,
	names.DeviceTaintEvictionController,
	names.HorizontalPodAutoscalerController,
	names.KubeAPIServerClusterTrustBundlePublisherController,
	names.LegacyServiceAccountTokenCleanerController,
	names.NodeIpamController,
	names.NodeLifecycleController,
	names.PersistentVolumeAttachDetachController,
	names.PersistentVolumeExpanderController,
	names.PodCertificateRequestCleanerController,
	names.ResourcePoolStatusRequestController,
	names.StorageVersionGarbageCollectorController,
	names.StorageVersionMigratorController,
	names.TTLController,
	names.TaintEvictionController,
	names.VolumeAttributesClassProtectionController,
}

// runControllerManager runs the built-in controllers until ctx ends.
func (c *cluster) runControllerManager(ctx context.Context) error {
	opts, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return fmt.Errorf("make options: %w", err)
	}
	all, disabled, aliases := app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()
	sets := opts.Flags(all, disabled, aliases)
	if err := parseFlags(sets, c.controllerManagerFlags()); err != nil {
		return err
	}
	// It asks once a second whether the API server is ready, so start it when that is
	// so.
	if err := c.waitForReadyz(ctx); err != nil {
		return err
	}
	config, err := opts.Config(ctx, all, disabled, aliases)
	if err != nil {
		return fmt.Errorf("complete options: %w", err)
	}
	return app.Run(ctx, config.Complete())
}

func (c *cluster) controllerManagerFlags() []string {
	return []string{
		"--kubeconfig=" + c.state.path(pkiDir, "controller-manager.kubeconfig"),
		"--secure-port=0",
		"--leader-elect=false",
		"--controllers=*,-" + strings.Join(disabledControllers, ",-"),
		"--root-ca-file=" + c.state.path(pkiDir, "ca.crt"),
		"--service-account-private-key-file=" + c.state.path(pkiDir, "sa.key"),
		"--kube-api-qps=1000",
		"--kube-api-burst=2000",
		"--profiling=false",
	}
}
