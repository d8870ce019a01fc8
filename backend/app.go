package backend

import (
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/backend/systemd"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// EnvCoordinator names a coordinator by URL or socket path (SPEC B21).
const EnvCoordinator = "ARTIFACTS_COORDINATOR"

// Options make an App.
type Options struct {
	Roots       xdg.Roots
	Getenv      func(string) string
	Exe         string       // of the program, for the processes it starts; empty: the running one
	Coordinator string       // URL or socket path; empty: EnvCoordinator, else the local one, started where none runs
	Notify      func(string) // one line a person should see: a mended file mode, a folder made; may be nil
}

// App is what the program can do. Its methods may be called side by side, and
// return errors that fault.As understands.
type App struct {
	opt      Options
	mounts   *mounts.Manager
	cache    keyring.Cache
	profiles keyring.Profiles
	services systemd.Manager
}

// New makes an App. It does no I/O.
func New(opt Options) *App {
	if opt.Getenv == nil {
		opt.Getenv = os.Getenv
	}
	if opt.Notify == nil {
		opt.Notify = func(string) {}
	}
	if opt.Coordinator == "" {
		opt.Coordinator = opt.Getenv(EnvCoordinator)
	}
	return &App{
		opt:      opt,
		mounts:   mounts.NewManager(opt.Roots, opt.Exe),
		cache:    keyring.NewCache(opt.Roots.Config, opt.Notify),
		profiles: keyring.Profiles{Dir: opt.Roots.Config, Warn: opt.Notify},
	}
}

// coordinator is one that answered, and who this user is to it.
type coordinatorLink struct {
	*client.Client
	status coordinator.Status
	peer   string
}

// storeURL is the coordinator's S3 endpoint.
func (l coordinatorLink) storeURL() string { return l.status.URL + "/s3" }

// connect finds the coordinator: the one that Options name, else the local one,
// which it starts where none runs (SPEC B21). The caller closes the link.
func (a *App) connect(ctx context.Context) (coordinatorLink, error) {
	if a.opt.Coordinator == "" {
		if err := a.ensureLocalRoots(); err != nil {
			return coordinatorLink{}, err
		}
		exe, err := a.exe()
		if err != nil {
			return coordinatorLink{}, err
		}
		status, err := embedded.Ensure(ctx, a.opt.Roots, exe)
		if err != nil {
			return coordinatorLink{}, err
		}
		link := coordinatorLink{Client: client.Local(embedded.Socket(a.opt.Roots)), status: status}
		link.peer, err = a.enrol(ctx, link)
		link.As(link.peer)
		return link, err
	}
	return a.connectTo(ctx, a.opt.Coordinator)
}

func (a *App) connectTo(ctx context.Context, where string) (coordinatorLink, error) {
	var link coordinatorLink
	if u, err := url.Parse(where); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		if u.User != nil {
			return link, fault.New(fault.Usage, "a mesh token does not belong in a URL", "the coordinator's URL holds a user or password")
		}
		id, err := a.loadIdentity()
		if err != nil {
			return link, err
		}
		link.Client, link.peer = client.Remote(where, id.Token.Reveal()), id.Peer
	} else {
		if !filepath.IsAbs(where) {
			return link, fault.New(fault.Usage, "give http://HOST:PORT, or the absolute path of its socket", "%q is not a coordinator", where)
		}
		link.Client = client.Local(where)
	}
	status, err := link.Status(ctx)
	if err != nil {
		link.Close()
		return link, err
	}
	link.status = status
	if link.peer == "" {
		link.peer, err = a.enrol(ctx, link)
		link.As(link.peer)
	}
	return link, err
}

func (a *App) exe() (string, error) {
	if a.opt.Exe != "" {
		return a.opt.Exe, nil
	}
	return os.Executable()
}

// ensureRoot makes a root on first use and says where it is (SPEC A8).
func (a *App) ensureRoot(dir, label string) error {
	if err := xdg.Ensure(dir, label, notifier(a.opt.Notify)); err != nil {
		return fault.Wrap(fault.Failure, err, "make the folder above it writable, or set another XDG root", "cannot make the %s root", label)
	}
	return nil
}

// ensureLocalRoots makes the roots that a coordinator or a mount keeps files under.
func (a *App) ensureLocalRoots() error {
	if err := a.ensureRoot(a.opt.Roots.State, "state"); err != nil {
		return err
	}
	return a.ensureRoot(a.opt.Roots.Cache, "cache")
}

// notifier hands each line written to it on.
type notifier func(string)

func (n notifier) Write(p []byte) (int, error) {
	n(strings.TrimSuffix(string(p), "\n"))
	return len(p), nil
}

// Coordinator tells which coordinator answers; the embedded one is started where
// none runs.
func (a *App) Coordinator(ctx context.Context) (CoordinatorStatus, error) {
	link, err := a.connect(ctx)
	if err != nil {
		return CoordinatorStatus{}, err
	}
	defer link.Close()
	return a.describe(link), nil
}

// PeekCoordinator is Coordinator, but starts nothing: where none runs the status
// says so.
func (a *App) PeekCoordinator(ctx context.Context) (CoordinatorStatus, error) {
	link, err := a.connectTo(ctx, a.where())
	if fault.Is(err, fault.Unreachable) && a.opt.Coordinator == "" {
		return CoordinatorStatus{Kind: "embedded", DataDir: embedded.DataDir(a.opt.Roots)}, nil
	}
	if err != nil {
		return CoordinatorStatus{}, err
	}
	defer link.Close()
	return a.describe(link), nil
}

// where is the coordinator's URL or socket.
func (a *App) where() string {
	if a.opt.Coordinator != "" {
		return a.opt.Coordinator
	}
	return embedded.Socket(a.opt.Roots)
}

func (a *App) describe(link coordinatorLink) CoordinatorStatus {
	s := CoordinatorStatus{
		Kind: link.status.Kind, URL: link.status.URL, PID: link.status.PID, Since: link.status.Since,
		DataDir: link.status.DataDir, Version: link.status.Version, Peer: link.peer, Running: true,
		Fingerprint: link.status.Fingerprint,
	}
	if a.opt.Coordinator == "" {
		s.Socket = embedded.Socket(a.opt.Roots)
	}
	return s
}

// StopCoordinator ends the local coordinator and waits until it is gone.
func (a *App) StopCoordinator(ctx context.Context) error { return embedded.Stop(ctx, a.opt.Roots) }
