package upper

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
)

// record is one line of the journal: JSON, a tab, the CRC32C of the JSON in hex, a
// newline. One record is one atomic step: all it says happened, or none of it.
type record struct {
	Seq    uint64        `json:"n"`
	Boot   string        `json:"boot,omitempty"`   // first of a process: the kernel's boot id
	Synced uint64        `json:"synced,omitempty"` // all bytes of records up to this one are on disk
	Proven uint64        `json:"proven,omitempty"` // the bytes of the version closed by this record are on disk
	Dirty  *dirtyRecord  `json:"dirty,omitempty"`  // a data file is about to hold bytes that no close covers
	Gone   []string      `json:"gone,omitempty"`   // data files that nothing needs any more
	Drop   []uint64      `json:"drop,omitempty"`   // operations superseded by Add
	Add    []*opRecord   `json:"add,omitempty"`    // operations queued
	Done   uint64        `json:"done,omitempty"`   // operation finished in the store
	Left   []leftRecord  `json:"left,omitempty"`   // by a move that is done, for uploads that follow it
	Copied *copiedRecord `json:"copied,omitempty"` // an object was copied; its source may be deleted next
	Filled *filledRecord `json:"filled,omitempty"` // a version no longer needs its base
	Attr   *attrRecord   `json:"attr,omitempty"`   // attributes of a queued upload
	Notes  []noteRecord  `json:"notes,omitempty"`  // attributes for sheets that wait to be written
}

type dirtyRecord struct {
	ID   string `json:"id"`
	Path string `json:"path"`
}

type opRecord struct {
	ID          uint64            `json:"id"`
	Kind        opKind            `json:"kind"`
	Key         string            `json:"key"`
	Dst         string            `json:"dst,omitempty"`
	After       uint64            `json:"after,omitempty"`
	Old         []uint64          `json:"old,omitempty"`   // the dropped uploads that it stands for
	Made        bool              `json:"made,omitempty"`  // of a marker: a mkdir is why
	Fresh       bool              `json:"fresh,omitempty"` // and the store has nothing below yet
	Base        *objectRecord     `json:"base,omitempty"`  // of a move
	attrsRecord                   // of a move's node
	Over        string            `json:"over,omitempty"` // of an upload: the ETag of what this mount left there
	At          int64             `json:"at,omitempty"`   // when it was asked for
	Ver         *versionRecord    `json:"ver,omitempty"`
	Notes       map[string]*entry `json:"notes,omitempty"` // of a sheet, by name; null takes the entry out
}

type attrsRecord struct {
	Mode   uint32            `json:"mode,omitempty"`
	UID    uint32            `json:"uid,omitempty"`
	GID    uint32            `json:"gid,omitempty"`
	MTime  int64             `json:"mtime,omitempty"`
	Timed  bool              `json:"timed,omitempty"`
	Xattrs map[string][]byte `json:"xattrs,omitempty"`
}

func (a attrs) record() attrsRecord {
	return attrsRecord{Mode: a.mode, UID: a.uid, GID: a.gid, MTime: a.mtime, Timed: a.timed, Xattrs: a.xattrs}
}

func (r attrsRecord) attrs() attrs {
	return attrs{mode: r.Mode, uid: r.UID, gid: r.GID, mtime: r.MTime, timed: r.Timed, xattrs: r.Xattrs}
}

type versionRecord struct {
	Seq    uint64        `json:"seq"`
	ID     string        `json:"data,omitempty"`
	Size   int64         `json:"size"`
	Full   bool          `json:"full,omitempty"`
	Ext    [][2]int64    `json:"ext,omitempty"`
	Base   *objectRecord `json:"base,omitempty"`
	Diff   [][2]int64    `json:"diff,omitempty"` // where it differs from Base; none: as Ext says
	Link   bool          `json:"link,omitempty"`
	Target string        `json:"target,omitempty"`
	attrsRecord
	Proven bool `json:"proven,omitempty"`
}

type objectRecord struct {
	Key   string `json:"key"`
	Size  int64  `json:"size"`
	ETag  string `json:"etag,omitempty"`
	MTime int64  `json:"mtime,omitempty"`
	Kind  Kind   `json:"kind,omitempty"`
}

type leftRecord struct {
	Op   uint64 `json:"op"`
	Over string `json:"over"` // ETag
	At   int64  `json:"at"`
}

type copiedRecord struct {
	From objectRecord `json:"from"`
	To   objectRecord `json:"to"`
}

type filledRecord struct {
	Seq  uint64 `json:"seq"` // of the version: the operation that carries it may change
	ID   string `json:"data"`
	Size int64  `json:"size"`
}

type attrRecord struct {
	Op uint64 `json:"op"`
	attrsRecord
}

// noteRecord adds to the notes of a sheet that waits to be written.
type noteRecord struct {
	Op    uint64 `json:"op"`
	Name  string `json:"name"`
	Entry *entry `json:"entry"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (r *record) line() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(b, "\t%08x\n", crc32.Checksum(b, castagnoli)), nil
}

// parseLine reads a line without its newline.
func parseLine(line []byte) (*record, error) {
	i := bytes.LastIndexByte(line, '\t')
	if i < 0 {
		return nil, fmt.Errorf("no checksum")
	}
	sum, err := strconv.ParseUint(string(line[i+1:]), 16, 32)
	if err != nil {
		return nil, fmt.Errorf("no checksum: %w", err)
	}
	if got := crc32.Checksum(line[:i], castagnoli); got != uint32(sum) {
		return nil, fmt.Errorf("checksum %08x, want %08x", got, sum)
	}
	r := new(record)
	if err := json.Unmarshal(line[:i], r); err != nil {
		return nil, err
	}
	return r, nil
}

func (o *Object) record() *objectRecord {
	if o == nil {
		return nil
	}
	r := &objectRecord{Key: o.Key, Size: o.Size, ETag: o.ETag, Kind: o.Kind}
	if !o.ModTime.IsZero() {
		r.MTime = o.ModTime.UnixNano()
	}
	return r
}

func (r *objectRecord) object() *Object {
	if r == nil {
		return nil
	}
	o := &Object{Key: r.Key, Size: r.Size, ETag: r.ETag, Kind: r.Kind}
	if r.MTime != 0 {
		o.ModTime = time.Unix(0, r.MTime)
	}
	return o
}

func (v *version) record() *versionRecord {
	r := &versionRecord{
		Seq: v.seq, Size: v.size, Full: v.full(), Link: v.link, Target: v.target,
		attrsRecord: v.attrs.record(), Proven: v.proven,
	}
	if v.data != nil {
		r.ID = v.data.id
	}
	r.Base = v.base.record()
	if !r.Full {
		r.Ext = v.ext.record()
	}
	if r.Base != nil {
		r.Diff = v.diff.record()
	}
	return r
}

func (e extents) record() (out [][2]int64) {
	for _, x := range e {
		out = append(out, [2]int64{x.off, x.end})
	}
	return out
}

func (o *op) record() *opRecord {
	r := &opRecord{ID: o.id, Kind: o.kind, Key: o.key, Dst: o.dst, After: o.after, Old: o.old, Made: o.made, Fresh: o.fresh, Over: o.over, Base: o.base.record()}
	if !o.at.IsZero() {
		r.At = o.at.UnixNano()
	}
	if o.ver != nil {
		r.Ver = o.ver.record()
	} else if o.node != nil {
		r.attrsRecord = o.node.closedAttrs().record()
	}
	for name, n := range o.notes {
		if r.Notes == nil {
			r.Notes = map[string]*entry{}
		}
		r.Notes[name] = n
	}
	return r
}
