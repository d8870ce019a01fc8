package coordinator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/unixsock"
)

// stopGrace is how long requests that run may take once a stop was asked for.
const stopGrace = 10 * time.Second

// gcPercent has the garbage of short requests collected less often than Go does by itself:
// the heap is a few megabytes, and thousands of requests a second fill it.
const gcPercent = 400

// ServeOptions say how a coordinator runs.
type ServeOptions struct {
	Config       config.Config
	Kind         string // embedded or configured; shown by status
	Socket       string // path of the local admin's socket; 0600
	Version      string
	InsecureBind bool
	AnyPort      bool         // take another port of the same host where the wanted one is taken
	Log          *slog.Logger // never gets a secret
	Ready        func(Status) // called once it answers; may be nil

	// Reload reads the configuration again, at SIGHUP or for the local admin; nil: there is no file.
	Reload func() (config.Config, error)
	Level  *slog.LevelVar // of Log; a reload sets it; nil: log.level needs a restart
}

// Serve runs a coordinator until ctx ends or its local admin stops it. It
// returns nil after an orderly stop.
func Serve(ctx context.Context, opt ServeOptions) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Before all else, and without a file too, where it has nothing to read: it would end the process.
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	unlock, err := lockDataDir(opt.Config.S3.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := openStore(ctx, opt.Config, opt.Log, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	o, err := NewOrchestrator(ctx, s, Options{Log: opt.Log, Version: opt.Version, Shared: opt.Config.Shared()})
	if err != nil {
		return err
	}
	bound, err := listen(opt, o.Mesh().Address)
	if err != nil {
		return err
	}
	public := newMeshListener(bound, opt.Config.MeshCIDR, opt.Log)
	defer public.Close()
	if err := o.SetAddress(ctx, public.Addr().String()); err != nil && !noSpace(err) {
		return err
	}
	opt.Log = o.log
	certs, err := newCertificates(ctx, opt.Config, o, public.Addr().String(), opt.Log)
	if err != nil {
		return err
	}
	// Neither its address nor its configuration is worth not to serve what is there.
	switch err := o.useConfig(ctx, opt.Config, opt.Version); {
	case noSpace(err):
		opt.Log.Error("the disk is full: what this start runs with could not be recorded", "error", err)
	case err != nil:
		return err
	}
	socket, err := unixsock.Listen(opt.Socket)
	if errors.Is(err, unixsock.ErrInUse) {
		return fault.New(fault.Conflict, "`artifacts-tui coordinator stop` stops it", "a coordinator of this user runs already: it listens on %s", opt.Socket)
	}
	if err != nil {
		return fault.Wrap(fault.Failure, err, "", "local socket %s", opt.Socket)
	}
	defer socket.Close()

	status := Status{
		ID: o.Mesh().ID, Kind: opt.Kind, URL: publicURL(public.Addr().String(), certs), PID: os.Getpid(), Since: o.stamp(),
		DataDir: opt.Config.S3.DataDir, Version: opt.Version,
	}
	current := func() Status {
		now := status
		now.Revision, now.Refused = o.Revision(), public.refused.Load()
		if certs != nil {
			now.Fingerprint = Fingerprint(certs.current().Certificate[0])
		}
		return now
	}
	audit, err := openAudit(AuditFile(opt.Config.S3.DataDir), o.hostID(), opt.Config.Audit, opt.Log)
	if err != nil {
		return fault.Wrap(fault.Failure, err, "make data_dir writable", "audit log")
	}
	defer audit.close()
	storage := func(ctx context.Context) (Storage, error) {
		s, err := o.storage(ctx, opt.Config.Disk())
		if err == nil {
			s.Warnings = append(s.Warnings, ofProcessWarnings(opt, public.Addr(), certs, audit, o.now())...)
		}
		return s, err
	}
	live := liveSettings(opt, s, audit, public, certs)
	reload := func() (Reloaded, error) {
		return live.reload(func(c config.Config) error { return o.useConfig(ctx, c, opt.Version) })
	}
	defer reloadOnHangup(hangups, reload)()
	watch := watchers{log: opt.Log, audit: audit, metrics: newMetrics(o, audit, storage)}
	peers := &orchestratorAPI{o: o, status: current, storage: storage, life: ctx, watch: watch}
	stream := newEvents(o, peers, watch.audit.s3)
	watch.metrics.streams(stream)
	peers.events = stream
	admin := *peers
	admin.local = &localControls{stop: cancel, reload: reload, certs: certs}
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	background.Go(func() { purging(ctx, o) })
	background.Go(func() { o.Follow(ctx) })

	// The store is on both listeners, and wants a signature on either: the mounts of this
	// machine use the socket, which stays where it is when the port changes.
	s3 := newS3(s, o, opt.Config.S3.Hosts, watch)
	servers := []*http.Server{
		newServer(ctx, withStore(s3, peers.handler()), opt.Log),
		newServer(ctx, withStore(s3, admin.handler()), opt.Log),
	}
	var outside net.Listener = public
	if certs != nil {
		outside = tls.NewListener(public, tlsConfig(certs))
	}
	scrapes, err := listenMetrics(opt)
	if err != nil {
		return err
	}
	listeners := []net.Listener{outside, socket}
	if scrapes != nil {
		defer scrapes.Close()
		only := http.NewServeMux()
		only.Handle("GET /metrics", watch.metrics)
		servers, listeners = append(servers, newServer(ctx, only, opt.Log)), append(listeners, scrapes)
	}
	failed := make(chan error, len(servers))
	for i, l := range listeners {
		go func() { failed <- servers[i].Serve(l) }()
	}
	opt.Log.Info("coordinator is up", "url", status.URL, "data_dir", status.DataDir, "pid", status.PID)
	if opt.Ready != nil {
		opt.Ready(current())
	}
	select {
	case <-ctx.Done():
		// /readyz says so by now; who has not heard of it yet is still served.
		opt.Log.Info("coordinator is stopping", "drain", time.Duration(opt.Config.Drain))
		for _, s := range servers {
			s.SetKeepAlivesEnabled(false)
		}
		_ = sleep(context.WithoutCancel(ctx), time.Duration(opt.Config.Drain))
	case err = <-failed:
	}
	return errors.Join(err, shutdown(servers, opt.Log))
}

// purgeEvery is how often deleted workspaces and objects are looked at, where nothing changes meanwhile.
const purgeEvery = time.Minute

// usageEvery is how often the system bucket is told what the others hold; a stop tells it too.
const usageEvery = 10 * time.Minute

// purging removes deleted workspaces and objects when their time is over. A change may have
// deleted a workspace with no retention, or have shortened it. Of several coordinators one does it.
func purging(ctx context.Context, o *Orchestrator) {
	recorded := time.Time{}
	for ctx.Err() == nil {
		// Of now: a purge is a change itself, and one that fails must wait.
		revision := o.Revision()
		if o.maintains(ctx) {
			if time.Since(recorded) > usageEvery {
				recorded = time.Now()
				if err := o.RecordUsage(ctx); err != nil && ctx.Err() == nil {
					o.log.Error("what buckets hold could not be recorded", "error", err)
				}
				if err := o.MendDocuments(ctx); err != nil && ctx.Err() == nil {
					o.log.Error("the documents of the system bucket could not be checked", "error", err)
				}
			}
			_, err := o.PurgeExpired(ctx)
			if err := errors.Join(err, o.purgeRecycled(ctx)); err != nil && ctx.Err() == nil {
				o.log.Error("what was deleted could not be purged; it is tried again", "error", err)
			}
			revision = o.Revision()
		}
		wait, cancel := context.WithTimeout(ctx, purgeEvery)
		o.Await(wait, revision)
		cancel()
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	if err := o.RecordUsage(ctx); err != nil {
		o.log.Error("what buckets hold could not be recorded", "error", err)
	}
	if err := o.rests(ctx); err != nil {
		o.log.Warn("another coordinator takes over maintenance later", "error", err)
	}
}

// maintains reports whether this coordinator does what one of several is to do.
func (o *Orchestrator) maintains(ctx context.Context) bool {
	if o.shared == nil {
		return true
	}
	mine, err := o.shared.maintenance.mine(ctx)
	if err != nil && ctx.Err() == nil {
		o.log.Warn("whether this coordinator is to do maintenance is not known", "error", err)
	}
	return mine
}

// rests lets another one do it.
func (o *Orchestrator) rests(ctx context.Context) error {
	if o.shared == nil {
		return nil
	}
	return o.shared.maintenance.release(ctx)
}

// withStore puts the store beside the orchestrator. The store sees its paths as they
// came: a ServeMux would clean `//` and `..` out of keys.
func withStore(s3, orchestrator http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isS3Path(r.URL.EscapedPath()) {
			s3.ServeHTTP(w, r)
			return
		}
		orchestrator.ServeHTTP(w, r)
	})
}

func newServer(ctx context.Context, h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 1 << 20,
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

func shutdown(servers []*http.Server, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
	defer cancel()
	var errs []error
	for _, s := range servers {
		if err := s.Shutdown(ctx); err != nil {
			log.Warn("requests were still running at the stop", "error", err)
			errs = append(errs, s.Close())
		}
	}
	return errors.Join(errs...)
}

// listen binds the configured address. An embedded coordinator prefers the
// address of its last start, and takes any port of the host where that is taken.
func listen(opt ServeOptions, last string) (net.Listener, error) {
	wanted, err := opt.Config.Listen.Resolve(opt.InsecureBind)
	if err != nil {
		return nil, err
	}
	candidates := []string{wanted}
	if opt.AnyPort {
		host, _, err := net.SplitHostPort(wanted)
		if err != nil {
			return nil, err
		}
		if lastHost, _, err := net.SplitHostPort(last); err == nil && lastHost == host {
			candidates = []string{last, wanted}
		}
		candidates = append(candidates, net.JoinHostPort(host, "0"))
	}
	var l net.Listener
	for _, address := range candidates {
		l, err = net.Listen("tcp", address)
		if !errors.Is(err, syscall.EADDRINUSE) {
			break
		}
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fault.Wrap(fault.Conflict, err, "stop what listens there, or set another `listen` in coordinator.yaml", "cannot listen on %s", wanted)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, bindHint(err), "cannot listen on %s", wanted)
	}
	return l, nil
}

func bindHint(err error) string {
	if errors.Is(err, syscall.EACCES) {
		return "choose a port of 1024 or more, or have systemd start it: the unit of `artifacts-tui coordinator service install --system` may bind lower ones"
	}
	return "`ip address` lists the addresses of this machine"
}

// movedFrom is how the address of the interface has changed since the listener was bound to it; nil: it has not.
func movedFrom(bound net.Addr, opt ServeOptions) *config.Change {
	if opt.Config.Listen.Interface == "" {
		return nil
	}
	now, err := opt.Config.Listen.Resolve(opt.InsecureBind)
	if err != nil {
		return &config.Change{Key: "listen", Old: bound.String(), New: "none: " + err.Error()}
	}
	if at, err := net.ResolveTCPAddr("tcp", now); err == nil && addressOf(at) == addressOf(bound) {
		return nil
	}
	return &config.Change{Key: "listen", Old: bound.String(), New: now}
}

// ofProcessWarnings are about this process, not about what the store holds.
func ofProcessWarnings(opt ServeOptions, bound net.Addr, certs certificateSource, audit *auditLog, now time.Time) (list []Warning) {
	if m := movedFrom(bound, opt); m != nil {
		list = append(list, Warning{Kind: "listen", Subject: opt.Config.Listen.Interface, Message: fmt.Sprintf(
			"the address of %s has changed since the coordinator began to listen there: %s → %s; restart it", opt.Config.Listen.Interface, m.Old, m.New)})
	}
	if certs != nil {
		if text := outOfDate(certs.current().Leaf, now); text != "" {
			list = append(list, Warning{Kind: "certificate", Subject: bound.String(), Message: text})
		}
	}
	if audit.failing.Load() {
		list = append(list, Warning{Kind: "audit", Subject: audit.path, Message: "the audit log " + audit.path + " cannot be written"})
	}
	return list
}

// listenMetrics binds metrics.listen, under the same rules as the store; nil where there is none.
func listenMetrics(opt ServeOptions) (net.Listener, error) {
	if opt.Config.Metrics.Listen == (config.Listen{}) {
		return nil, nil
	}
	address, err := opt.Config.Metrics.Listen.Resolve(opt.InsecureBind)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		kind := fault.Failure
		if errors.Is(err, syscall.EADDRINUSE) {
			kind = fault.Conflict
		}
		return nil, fault.Wrap(kind, err, "choose another metrics.listen in coordinator.yaml", "cannot listen on %s for metrics", address)
	}
	return l, nil
}

// lockFile in a data_dir is held by whoever uses it.
const lockFile = "lock"

// CheckDataDir refuses a path that can be no folder, and says whether this user could write
// there. It makes nothing.
func CheckDataDir(dir string) (writable bool, err error) {
	for there := dir; ; there = filepath.Dir(there) {
		info, err := os.Stat(there)
		switch {
		case errors.Is(err, os.ErrNotExist):
			continue // it is made at the start, in the first one above it that is there
		case errors.Is(err, os.ErrPermission):
			return false, nil
		case err == nil && !info.IsDir():
			err = syscall.ENOTDIR
		}
		if err != nil {
			var failed *os.PathError
			if errors.As(err, &failed) {
				err = failed.Err
			}
			return false, fault.New(fault.Usage, "give the path of a folder", "%s cannot be a folder: %s", dir, err)
		}
		return unix.Access(there, unix.W_OK|unix.X_OK) == nil, nil
	}
}

// lockDataDir keeps a second coordinator off the same data.
func lockDataDir(dir string) (func(), error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Failure, err, "choose a data_dir that this user can write", "data_dir %s", dir)
	}
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Failure, err, "choose a data_dir that this user can write", "data_dir %s", dir)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		return nil, fault.New(fault.Conflict, "`artifacts-tui coordinator status` shows it", "another coordinator uses %s", dir)
	}
	return func() { _ = f.Close() }, nil
}
