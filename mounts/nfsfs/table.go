package nfsfs

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"

	"github.com/artifacts-tui/artifacts-tui/mounts/upper"
)

// handleSize is the length of a handle in bytes: an inode number and its sum. The protocol
// allows 64.
const handleSize = 8 + 16

// table makes handles of nodes and finds nodes by their numbers. A handle is good for as
// long as the node has a name and the process lives.
type table struct {
	secret [32]byte

	mu    sync.Mutex
	nodes map[uint64]*upper.Node
}

func newTable() (*table, error) {
	t := &table{nodes: map[uint64]*upper.Node{}}
	_, err := rand.Read(t.secret[:])
	return t, err
}

func (t *table) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.nodes)
}

// handle is n's.
func (t *table) handle(n *upper.Node) []byte {
	t.mu.Lock()
	t.nodes[n.Ino()] = n
	t.mu.Unlock()
	h := binary.BigEndian.AppendUint64(make([]byte, 0, handleSize), n.Ino())
	return t.sum(h)
}

// sum appends its keyed sum to a number.
func (t *table) sum(number []byte) []byte {
	mac := hmac.New(sha256.New, t.secret[:])
	mac.Write(number)
	return append(number, mac.Sum(nil)[:handleSize-8]...)
}

// number is the inode number in a handle that this table made.
func (t *table) number(handle []byte) (uint64, bool) {
	if len(handle) != handleSize {
		return 0, false
	}
	if !hmac.Equal(handle, t.sum(append([]byte(nil), handle[:8]...))) {
		return 0, false
	}
	return binary.BigEndian.Uint64(handle), true
}

// node is the one of a number; nil: it is not known, or gone.
func (t *table) node(number uint64) *upper.Node {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.nodes[number]
}

func (t *table) forget(n *upper.Node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.nodes, n.Ino())
}
