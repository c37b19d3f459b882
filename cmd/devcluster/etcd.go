package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

// etcdStart bounds etcd's start. A new one takes some 0.2 s; one that reads a
// large write-ahead log takes longer.
const etcdStart = 30 * time.Second

// walSegment is the size to which etcd preallocates its log files; it keeps two.
// Its own 64 MB are for disks that fsync.
const walSegment = 8 << 20

// startEtcd starts etcd with a single member. It listens on a unix socket alone,
// named relative to the state directory because a socket's full path may not
// exceed 107 bytes (unix(7)). There are no peers, so there is no peer listener.
func startEtcd(s *state) (*embed.Etcd, error) {
	wal.SegmentSizeBytes = walSegment
	config := embed.NewConfig()
	config.Name = "devcluster"
	config.Dir = s.path(etcdDir)
	config.LogOutputs = []string{s.path(logFile)}
	config.LogLevel = "warn"
	config.UnsafeNoFsync = true
	config.EnableGRPCGateway = false
	// A single member elects itself after one election timeout: make it short.
	config.TickMs, config.ElectionMs = 20, 100

	socket := url.URL{Scheme: "unix", Host: etcdSocket}
	config.ListenClientUrls = []url.URL{socket}
	config.AdvertiseClientUrls = []url.URL{socket}
	config.ListenPeerUrls = nil
	config.InitialCluster = config.InitialClusterFromName(config.Name)

	etcd, err := embed.StartEtcd(config)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		etcd.Close()
		return nil, fmt.Errorf("start etcd: %w", err)
	case <-time.After(etcdStart):
		etcd.Close()
		return nil, errors.New("start etcd: not ready in time")
	}
}

// stopEtcd flushes etcd's data and ends it. Close would also wait for its clients to
// disconnect; they are in this process and end with it.
func stopEtcd(etcd *embed.Etcd) {
	etcd.Server.HardStop()
}
