package server

import (
	"fmt"

	"github.com/sirupsen/logrus"

	"github.com/pushboat/pushboat/internal/appfile"
	"github.com/pushboat/pushboat/internal/kube"
	"github.com/pushboat/pushboat/internal/settings"
)

// leaseLine leads to the cluster of the lease: default, as the configuration names it. It
// follows the kubeconfig, so that a server whose credentials are renewed goes on leading.
type leaseLine struct {
	*kube.Line
	print string // of the way that it goes, see kube.Way
	log   *logrus.Entry
}

func openLeaseLine(config settings.Config, log *logrus.Entry) (*leaseLine, error) {
	way, err := wayOfLease(config)
	if err != nil {
		return nil, err
	}
	line, err := kube.OpenLine(way)
	if err != nil {
		return nil, fmt.Errorf("cluster %s: %w", appfile.DefaultCluster, err)
	}
	return &leaseLine{line, way.Print, log}, nil
}

// reconnect follows the kubeconfig that settings name. A nil line has nothing to follow.
func (l *leaseLine) reconnect(next settings.Config) error {
	if l == nil {
		return nil
	}
	way, err := wayOfLease(next)
	if err != nil || way.Print == l.print {
		return err
	}
	if err := l.Connect(way); err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	l.print = way.Print
	l.log.Info("lease: is reached as the kubeconfig says from now on")
	return nil
}

// wayOfLease is how settings reach the cluster of the lease.
func wayOfLease(config settings.Config) (kube.Way, error) {
	way, err := kube.Kubeconfig{File: config.Clusters[appfile.DefaultCluster].Kubeconfig, Allowed: allowed(config)}.Way()
	if err != nil {
		return way, fmt.Errorf("cluster %s: %w", appfile.DefaultCluster, err)
	}
	return way, nil
}
