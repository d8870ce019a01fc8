package coordinator

import (
	"net/http"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// IDHeader tells who is not authenticated which coordinator this is, so that a token goes to
// the one that issued it alone.
const IDHeader = "Artifacts-Coordinator"

// WhoAmI is the answer of GET /v1/whoami: whose token it was that the request showed. Peer is
// empty for the local admin, who needs none.
type WhoAmI struct {
	Peer        string `json:"peer"` // its id
	Name        string `json:"name"`
	Coordinator string `json:"coordinator"` // its id
}

func (a *orchestratorAPI) whoami(w http.ResponseWriter, r *http.Request) {
	answer := WhoAmI{Coordinator: a.o.Mesh().ID}
	token, shown := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !shown && a.admin {
		reply(w, http.StatusOK, answer)
		return
	}
	p, known := a.o.peerByToken(token)
	if !known {
		a.unauthenticated(w)
		return
	}
	answer.Peer, answer.Name = p.ID, p.Name
	reply(w, http.StatusOK, answer)
}

func (a *orchestratorAPI) unauthenticated(w http.ResponseWriter) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="artifacts"`)
	w.Header().Set(IDHeader, a.o.Mesh().ID)
	a.fail(w, fault.New(fault.Auth, "send a peer's mesh token as a Bearer token", "not authenticated"))
}
