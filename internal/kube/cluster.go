// Package kube talks to Kubernetes: named clusters, the kinds that they serve,
// server-side apply, dry-run, delete, and the ApplySet that lists an app's objects. It
// translates the API server's errors into problems that a pusher can act on. With
// package live, it alone imports client-go.
package kube

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/sirupsen/logrus"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
)

// FieldManager is the field manager under which Pushboat owns fields of objects.
const FieldManager = "pushboat"

const (
	// dialTimeout bounds the TCP connection, so that a waiting pusher soon learns of a
	// cluster that drops packets.
	dialTimeout = 5 * time.Second
	// headerTimeout bounds the wait for the beginning of a response. The API server
	// ends every request except watches after 60 s (--request-timeout), and begins to
	// answer a watch at once.
	headerTimeout = 65 * time.Second
)

// Cluster is one Kubernetes API endpoint, as the server itself sees it or, by As, as a
// ServiceAccount does. Its methods are safe for concurrent use.
type Cluster struct {
	name     string
	log      *logrus.Entry
	caller   Account  // zero: the server itself
	server   *Cluster // the same cluster as the server sees it; nil if this is that
	requests requests
	dynamic  dynamic.Interface  // by requests.objects
	metadata metadata.Interface // the server's, for its index
	kinds    *kinds
	schemas  *schemas
	about    *about
	stage    *stage
	meter    *meter
	guard    *guard
	link     *link
	greeter  *http.Client // of the server, for Greet
}

// requests begin the requests of one caller. They share their connections.
type requests struct {
	objects  rest.Interface // of whole objects, in JSON
	metadata rest.Interface // of their metadata, in protobuf
	plain    rest.Interface // of anything else: logs
}

// Open prepares the clients of a cluster. It sends no request: a cluster that
// does not answer yet can be opened. cfg is not changed; its UserAgent is kept
// if it has one.
func Open(name string, cfg *rest.Config, log *logrus.Entry) (*Cluster, error) {
	return OpenWay(name, Way{Config: cfg}, log)
}

// OpenWay is Open for a cluster that is reached in a way.
func OpenWay(name string, way Way, log *logrus.Entry) (*Cluster, error) {
	c := &Cluster{name: name, log: log, meter: &meter{}, guard: &guard{}, about: &about{}, stage: &stage{}}
	c.link = &link{guard: c.guard}
	if err := c.Connect(way); err != nil {
		return nil, err
	}
	cfg := &rest.Config{Host: somewhere, Transport: c.link, QPS: -1, WarningHandlerWithContext: warner{log}}
	client, err := rest.HTTPClientFor(cfg)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	objects, err := objectClient(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	meta, err := metadata.NewForConfigAndClient(metadata.ConfigFor(cfg), client)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	metas, err := metadataClient(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	disco, err := discovery.NewDiscoveryClientForConfigAndClient(cfg, client)
	if err != nil {
		return nil, fmt.Errorf("open cluster %s: %w", name, err)
	}
	c.requests = requests{objects: objects, metadata: metas, plain: disco.RESTClient()}
	c.dynamic, c.metadata = dynamic.New(objects), meta
	c.kinds, c.schemas = newKinds(disco, log), newSchemas(disco.RESTClient())
	c.greeter = client
	return c, nil
}

// Connect has the cluster reached in another way, from now on. It sends no request. What is
// known of the cluster stays: it is to be the same one, see Identify.
func (c *Cluster) Connect(way Way) error {
	cfg := tune(way.Config, c.meter, c.log)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return guarded{next, c.guard} })
	if err := c.link.connect(cfg, way.program); err != nil {
		return fmt.Errorf("open cluster %s: %w", c.name, err)
	}
	return nil
}

// Hold has nothing asked of the cluster from now on, until Connect.
func (c *Cluster) Hold(why HeldError) { c.link.hold(&why) }

// objectClient makes the client of whole objects, which serves all kinds.
func objectClient(cfg *rest.Config, client *http.Client) (*rest.RESTClient, error) {
	cfg = dynamic.ConfigFor(cfg)
	cfg.GroupVersion = nil
	return rest.UnversionedRESTClientForConfigAndClient(cfg, client)
}

// tune copies a configuration and sets Pushboat's requirements for every cluster. There
// is no rate limit on our side: limiting is the job of the server's API Priority and
// Fairness, and the client's default of 5 requests a second would be the slowest part
// of a deploy.
func tune(cfg *rest.Config, meter *meter, log *logrus.Entry) *rest.Config {
	cfg = rest.CopyConfig(cfg)
	cfg.UserAgent = cmp.Or(cfg.UserAgent, FieldManager+"/"+version())
	cfg.QPS, cfg.Burst, cfg.RateLimiter = -1, 0, nil
	cfg.Timeout = 0 // it would end watches as well; see headerTimeout
	// Since 1.37 the API server compresses each event of a watch separately. That costs
	// both sides more time than it saves; its own controllers do not ask for it either.
	cfg.DisableCompression = true
	cfg.WarningHandler = nil
	cfg.WarningHandlerWithContext = warner{log}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	}
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { return measured{impatient{next, headerTimeout}, meter} })
	return cfg
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		return info.Main.Version
	}
	return "dev"
}

// Name is the name by which pushboat.yaml knows the cluster.
func (c *Cluster) Name() string { return c.name }

// Dynamic returns the client behind the requests, for watches and lists of whole
// objects (package live).
func (c *Cluster) Dynamic() dynamic.Interface { return c.dynamic }

// Check asks the cluster for its version, and so tests whether the cluster answers at
// all.
func (c *Cluster) Check(ctx context.Context) (version string, err error) {
	info, err := c.kinds.client.ServerVersionWithContext(ctx)
	if err != nil {
		return "", c.wrap("ask for the version", err)
	}
	return info.GitVersion, nil
}

// wrap names the step of a request. Only errors about the cluster as a whole name the
// cluster.
func (c *Cluster) wrap(step string, err error) error {
	if err == nil {
		return nil
	}
	if IsUnreachable(err) {
		return &UnreachableError{Cluster: c.name, Err: err}
	}
	return fmt.Errorf("%s: %w", step, c.Refused(err))
}

// impatient gives up on a request whose response does not begin in time. The body,
// especially that of a watch, may take any time.
type impatient struct {
	next    http.RoundTripper
	timeout time.Duration
}

// errNoResponse is the cause of a request that impatient ended.
var errNoResponse = fmt.Errorf("no response within %s", headerTimeout)

func (t impatient) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Query().Get("follow") == "true" { // a log, whose answer begins with the next line
		return t.next.RoundTrip(req)
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	timer := time.AfterFunc(t.timeout, func() { cancel(errNoResponse) })
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	inTime := timer.Stop()
	if err != nil {
		cancel(err)
		if !inTime && req.Context().Err() == nil {
			return nil, errNoResponse
		}
		return nil, err
	}
	resp.Body = &cancelBody{resp.Body, func() { cancel(io.EOF) }}
	return resp, nil
}

// WrappedRoundTripper lets client-go look through the wrapper.
func (t impatient) WrappedRoundTripper() http.RoundTripper { return t.next }

// cancelBody releases the request's context when the response has been read.
type cancelBody struct {
	io.ReadCloser
	cancel func()
}

func (b *cancelBody) Close() error {
	err := b.ReadCloser.Close()
	b.cancel()
	return err
}
