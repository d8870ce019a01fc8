package coordinator

import (
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// refusalLogs is how often, at most, a refused connection is logged.
const refusalLogs = time.Second

// meshListener hands on connections of the mesh and of this machine, and closes others
// before a byte of them is read (SPEC B2).
type meshListener struct {
	net.Listener
	mesh    atomic.Pointer[[]netip.Prefix] // who may connect; none: everybody
	refused atomic.Int64                   // connections closed so far
	logged  time.Time                      // Accept alone uses it
	log     *slog.Logger
}

func newMeshListener(l net.Listener, mesh []netip.Prefix, log *slog.Logger) *meshListener {
	m := &meshListener{Listener: l, log: log}
	m.setMesh(mesh)
	return m
}

// setMesh is for connections that come from now on.
func (l *meshListener) setMesh(mesh []netip.Prefix) { l.mesh.Store(&mesh) }

// Accept implements net.Listener.
func (l *meshListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil || l.admits(c.RemoteAddr()) {
			return c, err
		}
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0) // no state of it stays behind
		}
		_ = c.Close()
		total := l.refused.Add(1)
		if time.Since(l.logged) >= refusalLogs {
			l.logged = time.Now()
			l.log.Warn("refused a connection from outside mesh_cidr", "from", c.RemoteAddr().String(), "refused_so_far", total)
		}
	}
}

func (l *meshListener) admits(from net.Addr) bool {
	mesh := *l.mesh.Load()
	tcp, ok := from.(*net.TCPAddr)
	if len(mesh) == 0 || !ok {
		return len(mesh) == 0
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("") // a prefix holds no address with a zone
	if ip.IsLoopback() {
		return true
	}
	for _, p := range mesh {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
