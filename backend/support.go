package backend

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/internal/webproxy"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// SupportBundle is what was written.
type SupportBundle struct {
	File  string   `json:"file"`
	Bytes int64    `json:"bytes"`
	Files []string `json:"files"` // in it
}

// Bounds of what is in a bundle.
const (
	logMost  = 2 << 20 // bytes of the end of each log
	logsMost = 40      // the newest
)

const supportReadme = `What is wrong with artifacts-tui on a machine, for somebody who helps.

doctor.json        what ` + "`doctor`" + ` found
status.json        the coordinator and the mounts
mounts.json        what the mounts have done
credentials.json   where credentials are kept, masked
contexts.json      the coordinators that were logged in to, without tokens
workspaces.json    names, buckets and endpoints of the workspaces that were seen last
environment.txt    the variables that the program looks at, masked
logs/              the ends of its logs

No secret is in it: keys, tokens and passwords that the program knows of were masked in every file, and so was
what looks like one. Names of files, buckets and machines are in it.
`

// Support writes a bundle to path, mode 0600, for somebody who helps. It starts nothing. The file must not exist.
func (a *App) Support(ctx context.Context, path string, opt DoctorOptions) (SupportBundle, error) {
	done := SupportBundle{File: path}
	if _, err := os.Lstat(path); err == nil {
		return done, fault.New(fault.Conflict, "give another name with --output", "%s exists already", path)
	}
	var file bytes.Buffer
	zip := gzip.NewWriter(&file)
	b := &bundle{to: tar.NewWriter(zip), hide: a.secrets(), at: time.Now()}
	b.add("README.txt", []byte(supportReadme))
	b.addJSON("doctor.json", a.Doctor(ctx, opt))
	a.addState(ctx, b)
	a.addLogs(b)
	if err := errors.Join(b.err, b.to.Close(), zip.Close()); err != nil {
		return done, err
	}
	if err := atomicfile.Write(path, file.Bytes(), 0o600); err != nil {
		return done, fault.Wrap(fault.Failure, err, "give a path that you may write with --output", "cannot write the bundle")
	}
	done.Bytes, done.Files = int64(file.Len()), b.names
	return done, nil
}

func (a *App) addState(ctx context.Context, b *bundle) {
	offhand := *a
	offhand.opt.Offhand = true
	status := map[string]any{}
	if s, err := offhand.PeekCoordinator(ctx); err != nil {
		status["coordinator"] = fault.As(err)
	} else {
		status["coordinator"] = s
	}
	list, err := a.Mounts(ctx)
	if err != nil {
		status["mounts"] = fault.As(err)
	} else {
		status["mounts"] = list
	}
	b.addJSON("status.json", status)
	var stats []any
	for _, m := range list {
		if s, err := a.MountStats(ctx, m.ID); err == nil {
			stats = append(stats, s)
		}
	}
	b.addJSON("mounts.json", stats)
	b.addJSON("workspaces.json", a.Remembered())
	if contexts, err := a.Contexts(); err != nil {
		b.addJSON("contexts.json", fault.As(err))
	} else {
		b.addJSON("contexts.json", contexts)
	}
	b.addJSON("credentials.json", a.keptCredentials())
	b.add("environment.txt", []byte(a.environmentText()))
}

// keptCredentials are where pairs are kept, masked. The OS keyring is not asked.
func (a *App) keptCredentials() map[string]any {
	kept := map[string]any{}
	if e, err := a.cache.Stat(); err == nil {
		kept["global"] = stored(a.cache.Path, "", e)
	} else if !errors.Is(err, keyring.ErrNotFound) {
		kept["global"] = fault.As(err)
	}
	profiles, err := a.Profiles()
	if err != nil {
		kept["profiles"] = fault.As(err)
		return kept
	}
	for i := range profiles {
		if program, arguments, _ := strings.Cut(profiles[i].Command, " "); arguments != "" { // a token may be among them
			profiles[i].Command = program + " ***"
		}
	}
	kept["profiles"] = profiles
	return kept
}

// environmentText is what the program reads of the environment: values that are no secret, and of others that they are set.
func (a *App) environmentText() string {
	var b strings.Builder
	for _, name := range []string{
		EnvCoordinator, "ARTIFACTS_S3_BUCKET", "ARTIFACTS_S3_ENDPOINT", "ARTIFACTS_S3_PREFIX", keyring.EnvRegion, keyring.EnvProfile, "AWS_REGION", "AWS_DEFAULT_REGION",
		tlstrust.EnvBundle, "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "HOME", "PATH", "TERM", "LANG", "NO_COLOR",
		"DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR",
	} {
		if v := a.opt.Getenv(name); v != "" {
			fmt.Fprintf(&b, "%s=%s\n", name, v)
		}
	}
	for _, name := range []string{"HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"} {
		if v := a.opt.Getenv(name); v != "" {
			if !strings.EqualFold(name, "NO_PROXY") {
				v = webproxy.Mask(v)
			}
			fmt.Fprintf(&b, "%s=%s\n", name, v)
		}
	}
	for _, name := range []string{keyring.EnvAccessKeyID, keyring.EnvSecretAccessKey, keyring.EnvSessionToken, keyring.EnvToken, "AWS_ACCESS_KEY_ID", "AWS_PROFILE"} {
		if a.opt.Getenv(name) != "" {
			fmt.Fprintf(&b, "%s is set\n", name)
		}
	}
	return b.String()
}

// addLogs takes the ends of the newest logs, and reports of crashes.
func (a *App) addLogs(b *bundle) {
	logs, _ := filepath.Glob(filepath.Join(a.opt.Roots.Cache, "logs", "*.log*")) // the pattern is one
	reports, _ := filepath.Glob(filepath.Join(a.opt.Roots.State, "*-crash-*.txt"))
	type found struct {
		path string
		at   time.Time
	}
	var all []found
	for _, path := range append(logs, reports...) {
		if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
			all = append(all, found{path, info.ModTime()})
		}
	}
	slices.SortFunc(all, func(x, y found) int { return y.at.Compare(x.at) })
	for _, f := range all[:min(len(all), logsMost)] {
		text, err := ending(f.path, logMost)
		if err != nil {
			text = []byte(err.Error() + "\n")
		}
		b.add("logs/"+filepath.Base(f.path), text)
	}
}

// ending is the last of a file, from the beginning of a line on.
func ending(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	from := max(info.Size()-most, 0)
	text, err := io.ReadAll(io.NewSectionReader(f, from, most))
	if from > 0 {
		text = text[bytes.IndexByte(text, '\n')+1:]
	}
	return text, err
}

// bundle is a tar file without secrets.
type bundle struct {
	to    *tar.Writer
	hide  hider
	at    time.Time
	names []string
	err   error // the first
}

func (b *bundle) addJSON(name string, v any) {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		b.err = errors.Join(b.err, err)
		return
	}
	b.add(name, append(text, '\n'))
}

func (b *bundle) add(name string, text []byte) {
	text = b.hide.in(text)
	h := &tar.Header{Name: "artifacts-support/" + name, Mode: 0o600, Size: int64(len(text)), ModTime: b.at, Typeflag: tar.TypeReg, Format: tar.FormatPAX}
	if err := b.to.WriteHeader(h); err != nil {
		b.err = errors.Join(b.err, err)
		return
	}
	_, err := b.to.Write(text)
	b.err = errors.Join(b.err, err)
	b.names = append(b.names, name)
}
