package coordinator

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"os/signal"
	"slices"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// configKey is the record of what the last start, or reload, runs with. Where there are
// several coordinators each has its own, below configsPrefix.
const (
	configKey     = "config.json"
	configsPrefix = "configs/" // <address>.json
)

// Reloaded is the answer of POST /v1/reload.
type Reloaded struct {
	Changed []config.Change `json:"changed"` // in force now
	Restart []config.Change `json:"restart"` // in force after a restart
}

// settings is the configuration that a running coordinator runs with.
type settings struct {
	load  func() (config.Config, error) // nil: there is nothing to read again
	moved func() *config.Change         // of the address to listen on, without a change of the file; nil: none
	hooks []hook
	log   *slog.Logger

	mu  sync.Mutex // one reload at a time
	now config.Config
}

// hook puts keys into force while the coordinator runs. A key without one needs a restart.
type hook struct {
	keys []string
	// first runs at every reload before anything is changed, and can call it off; may be nil.
	first func(config.Config) error
	// takes says whether these values can be put into force; nil: all can.
	takes func(config.Config) bool
	// apply puts them into force. nil: who uses the keys asks Orchestrator.Config each time.
	apply func(config.Config)
}

func (h hook) has(key string, next config.Config) bool {
	return slices.Contains(h.keys, key) && (h.takes == nil || h.takes(next))
}

// reload reads the configuration again and puts into force what can change. An error leaves
// everything as it is. The log has both.
func (s *settings) reload(use func(config.Config) error) (Reloaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.apply()
	if err != nil {
		s.log.Error("not reloaded: the configuration stays as it was", "error", err)
		return r, err
	}
	for _, c := range r.Changed {
		s.log.Info("reloaded", "key", c.Key, "old", c.Old, "new", c.New)
	}
	for _, c := range r.Restart {
		s.log.Warn("this change needs a restart", "key", c.Key, "old", c.Old, "new", c.New)
	}
	if len(r.Changed)+len(r.Restart) == 0 {
		s.log.Info("reloaded: nothing has changed")
	}
	if err := use(s.now); err != nil {
		s.log.Error("reloaded, but the system bucket does not have it", "error", err)
		return r, fault.Wrap(fault.Failure, err, "the changes are in force; reload again to record them", "cannot record the configuration")
	}
	return r, nil
}

func (s *settings) apply() (Reloaded, error) {
	r := Reloaded{Changed: []config.Change{}, Restart: []config.Change{}}
	if s.load == nil {
		return r, fault.New(fault.Usage, "start it with `coordinator serve --config FILE`", "this coordinator has no configuration file to read again")
	}
	next, err := s.load()
	if err != nil {
		return r, err
	}
	for _, h := range s.hooks {
		if h.first == nil {
			continue
		}
		if err := h.first(next); err != nil {
			return r, err
		}
	}
	for _, c := range s.now.Diff(next) {
		if slices.ContainsFunc(s.hooks, func(h hook) bool { return h.has(c.Key, next) }) {
			r.Changed = append(r.Changed, c)
			s.now.Take(c.Key, next)
		} else {
			r.Restart = append(r.Restart, c)
		}
	}
	if c := s.moved(); c != nil && !slices.ContainsFunc(r.Restart, func(r config.Change) bool { return r.Key == c.Key }) {
		r.Restart = append(r.Restart, *c)
	}
	for _, h := range s.hooks {
		if h.apply != nil && slices.ContainsFunc(r.Changed, func(c config.Change) bool { return h.has(c.Key, next) }) {
			h.apply(s.now)
		}
	}
	return r, nil
}

// liveSettings are the hooks of a coordinator that listens on l.
func liveSettings(opt ServeOptions, s3 *store.Store, audit *auditLog, l *meshListener, certs certificateSource) *settings {
	s := &settings{load: opt.Reload, now: opt.Config, log: opt.Log}
	s.moved = func() *config.Change { return movedFrom(l.Addr(), opt) }
	s.hooks = []hook{
		{keys: []string{"mesh_cidr"}, apply: func(c config.Config) { l.setMesh(c.MeshCIDR) }},
		{keys: []string{"peers.rotation_grace", "workspaces.retention"}},
		{keys: []string{"audit.enabled", "audit.max_size", "audit.keep"}, apply: func(c config.Config) { audit.set(c.Audit) }},
		{keys: []string{"s3.max_size"}, apply: func(c config.Config) { s3.SetMaxSize(int64(c.S3.MaxSize)) }},
	}
	if opt.Level != nil {
		s.hooks = append(s.hooks, hook{keys: []string{"log.level"}, apply: func(c config.Config) { opt.Level.Set(slog.Level(c.Log.Level)) }})
	}
	if files, ok := certs.(*fileSource); ok {
		// Files are read at once, also where their names are the same. Other ways to have a
		// certificate, or none, wait for a restart.
		named := func(c config.Config) bool { return c.TLS.Cert != "" }
		s.hooks = append(s.hooks, hook{
			keys: []string{"tls.cert", "tls.key"}, takes: named,
			first: func(c config.Config) error {
				if !named(c) {
					return nil
				}
				return files.set(c.TLS)
			},
		})
	}
	return s
}

// reloadOnHangup reloads at each SIGHUP until the function that it returns is called, which
// waits for a reload that runs.
func reloadOnHangup(hangups chan os.Signal, reload func() (Reloaded, error)) (stop func()) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for range hangups {
			_, _ = reload() // the log has its error
		}
	}()
	return func() {
		signal.Stop(hangups)
		close(hangups)
		<-ended
	}
}

// Config is what the coordinator runs with now; a reload may change it.
func (o *Orchestrator) Config() config.Config {
	if c := o.config.Load(); c != nil {
		return *c
	}
	return config.Default()
}

// useConfig sets Config and keeps it in the system bucket.
func (o *Orchestrator) useConfig(ctx context.Context, c config.Config, version string) error {
	o.config.Store(&c)
	key := configKey
	if o.shared != nil {
		key = configsPrefix + url.PathEscape(o.name) + ".json"
	}
	return o.change(ctx, func(ctx context.Context, state *control) error {
		return state.write(ctx, key, map[string]any{"recorded": o.stamp(), "version": version, "config": c.Document()})
	})
}

// publicURL is where peers find what listens on address.
func publicURL(address string, certs certificateSource) string {
	scheme := "http://"
	if certs != nil {
		scheme = "https://"
	}
	return scheme + address
}
