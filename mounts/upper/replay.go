package upper

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// pastState is what a journal says: the operations that are unfinished, and what is known
// of each data file.
type pastState struct {
	seq    uint64
	boot   string
	synced uint64
	nextID uint64
	ops    map[uint64]*opRecord
	dirty  map[string]string // data files with bytes that no close covers: id to path
	known  map[string]bool   // data files that nothing needs unless ops or dirty name them
	late   map[string]bool   // data files named after the damage
	damage error             // where a record was bad and good ones followed

	powerLost bool
	proven    map[uint64]bool
	// before is, for an upload whose bytes are in doubt, the version that it superseded
	// and whose bytes are not.
	before    map[uint64]*versionRecord
	followers map[uint64][]uint64 // by the op that they come after
	// fresh are the markers of directories that the store shows nothing of, by key: more
	// than one where a directory was moved away and its name used again.
	fresh map[string][]uint64
	doubt []doubtful
}

// doubtful is a data file to be set aside.
type doubtful struct {
	id, path, reason string
}

// readJournal reads the records of a log, up to the first bad one. A torn last line is
// no damage: its write was never answered.
func readJournal(path string) (records, after []*record, damage error, err error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	for number := 1; len(b) > 0; number++ {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		b = rest
		r, err := parseLine(line)
		switch {
		case err == nil && whole && damage == nil:
			records = append(records, r)
		case err == nil && whole:
			after = append(after, r)
		case len(rest) == 0 && damage == nil:
			return records, nil, nil, nil
		case damage == nil:
			damage = fmt.Errorf("journal line %d: %w", number, err)
		}
	}
	return records, after, damage, nil
}

// replay works the records of a log into the state that they left behind. boot is the
// running kernel's id: with another one, bytes that were not synced are in doubt.
func replay(records, after []*record, damage error, boot string) *pastState {
	s := &pastState{
		nextID: 1, ops: map[uint64]*opRecord{}, dirty: map[string]string{}, known: map[string]bool{},
		late: map[string]bool{}, proven: map[uint64]bool{}, before: map[uint64]*versionRecord{},
		followers: map[uint64][]uint64{}, fresh: map[string][]uint64{}, damage: damage,
	}
	for _, r := range records {
		s.seq = max(s.seq, r.Seq)
		s.synced = max(s.synced, r.Synced)
		if r.Boot != "" {
			s.boot = r.Boot
		}
		if r.Proven != 0 {
			s.proven[r.Proven] = true
		}
		for _, o := range r.Add {
			if o.Ver != nil && o.Ver.Proven {
				s.proven[o.Ver.Seq] = true
			}
		}
	}
	s.powerLost = s.boot != "" && s.boot != boot
	for _, r := range records {
		s.apply(r)
	}
	for _, r := range after {
		s.seq = max(s.seq, r.Seq)
		if r.Dirty != nil {
			s.late[r.Dirty.ID] = true
			s.dirty[r.Dirty.ID] = r.Dirty.Path
		}
		for _, o := range r.Add {
			s.nextID = max(s.nextID, o.ID+1)
			if o.Ver != nil && o.Ver.ID != "" && o.Ver.Seq == r.Seq {
				s.late[o.Ver.ID] = true
				s.dirty[o.Ver.ID] = o.Key
			}
		}
	}
	s.judge()
	return s
}

func (s *pastState) inDoubt(v *versionRecord) bool {
	return s.powerLost && v.ID != "" && v.Seq > s.synced && !s.proven[v.Seq]
}

func (s *pastState) apply(r *record) {
	if d := r.Dirty; d != nil {
		s.dirty[d.ID] = d.Path
	}
	sound := map[uint64]*versionRecord{} // of the dropped uploads
	for _, id := range r.Drop {
		if o := s.ops[id]; o != nil && o.Ver != nil {
			sound[id] = s.before[id]
			if !s.inDoubt(o.Ver) {
				sound[id] = o.Ver
			}
		}
		delete(s.ops, id)
		delete(s.before, id)
	}
	for _, o := range r.Add {
		s.nextID = max(s.nextID, o.ID+1)
		s.ops[o.ID] = o
		if o.After != 0 {
			s.followers[o.After] = append(s.followers[o.After], o.ID)
		}
		if o.Fresh {
			s.fresh[o.Key] = append(s.fresh[o.Key], o.ID)
		}
		if o.Ver == nil {
			continue
		}
		if o.Ver.ID != "" {
			s.known[o.Ver.ID] = true
			delete(s.dirty, o.Ver.ID)
		}
		if i := slices.IndexFunc(o.Old, func(id uint64) bool { return sound[id] != nil }); i >= 0 && s.inDoubt(o.Ver) {
			s.before[o.ID] = sound[o.Old[i]]
		}
		for _, old := range o.Old {
			for _, id := range s.followers[old] {
				if f := s.ops[id]; f != nil {
					f.After = o.ID
				}
			}
			s.followers[o.ID] = append(s.followers[o.ID], s.followers[old]...)
			delete(s.followers, old)
		}
	}
	if o := s.ops[r.Done]; o != nil {
		s.stale(o)
		delete(s.ops, r.Done)
		delete(s.before, r.Done)
	}
	for _, l := range r.Left {
		if o := s.ops[l.Op]; o != nil {
			o.Over, o.At = l.Over, max(o.At, l.At)
		}
	}
	for _, id := range r.Gone {
		delete(s.dirty, id)
		s.known[id] = true
	}
	if c := r.Copied; c != nil {
		s.rebase(c)
	}
	if c := r.Filled; c != nil {
		s.known[c.ID] = true
		for id, o := range s.ops {
			for _, v := range [...]*versionRecord{o.Ver, s.before[id]} {
				if v != nil && v.Seq == c.Seq {
					v.ID, v.Full, v.Ext = c.ID, true, nil
				}
			}
		}
	}
	if c := r.Attr; c != nil && s.ops[c.Op] != nil {
		if o := s.ops[c.Op]; o.Ver != nil {
			o.Ver.attrsRecord = c.attrsRecord
		} else {
			o.attrsRecord = c.attrsRecord
		}
	}
	for _, c := range r.Notes {
		if o := s.ops[c.Op]; o != nil {
			if o.Notes == nil {
				o.Notes = map[string]*entry{}
			}
			o.Notes[c.Name] = c.Entry
		}
	}
}

// stale notes that the store has o's effect: a directory made here that shows it, and
// whose marker is still to come, has to be listed again to be known.
func (s *pastState) stale(o *opRecord) {
	for _, key := range [...]string{o.Key, o.Dst} {
		dir, _ := splitKey(key)
		for _, id := range s.fresh[dir+"/"] {
			if m := s.ops[id]; m != nil {
				m.Fresh = false
			}
		}
		delete(s.fresh, dir+"/")
	}
}

func (s *pastState) rebase(c *copiedRecord) {
	same := func(b *objectRecord) bool {
		return b != nil && b.Key == c.From.Key && (b.ETag == "" || c.From.ETag == "" || b.ETag == c.From.ETag)
	}
	for _, o := range s.ops {
		if same(o.Base) {
			to := c.To
			o.Base = &to
		}
		if o.Ver != nil && same(o.Ver.Base) {
			to := c.To
			o.Ver.Base = &to
		}
	}
}

// judge takes out the uploads whose bytes are in doubt: of a loss of power, or because
// the log is damaged after what is known of them. What they superseded comes back where
// its bytes are sound.
func (s *pastState) judge() {
	for _, id := range s.order() {
		o := s.ops[id]
		if o.Ver == nil || o.Ver.ID == "" {
			continue
		}
		switch {
		case s.inDoubt(o.Ver):
			s.doubt = append(s.doubt, doubtful{o.Ver.ID, o.Key, "the computer stopped before the file was known to be on disk"})
			delete(s.dirty, o.Ver.ID)
			if v := s.before[id]; v != nil {
				o.Ver = v
				continue
			}
			s.withoutUpload(o)
		case s.late[o.Ver.ID]:
			s.doubt = append(s.doubt, doubtful{o.Ver.ID, o.Key, "the journal is damaged after the file was closed"})
			delete(s.dirty, o.Ver.ID)
			s.withoutUpload(o)
		}
	}
}

// withoutUpload takes o out. A deletion that was to follow it, of the name that the file
// had before, becomes a rename of what the store has, so that not both are lost.
func (s *pastState) withoutUpload(o *opRecord) {
	delete(s.ops, o.ID)
	for _, d := range s.ops {
		if d.After == o.ID && d.Kind == opDelete {
			d.Kind, d.Dst, d.After = opMove, o.Key, 0
			d.Base = &objectRecord{Key: d.Key}
			d.attrsRecord = o.Ver.attrsRecord
		}
	}
}

func (s *pastState) order() []uint64 {
	ids := make([]uint64, 0, len(s.ops))
	for id := range s.ops {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
