package main

import (
	"context"
	"fmt"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/api/layout"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/tlog"
)

// checkTiles has Tessera's checker recompute every tile and the root from the entry bundles, and Go's tree code
// authenticate every tile under the root. Both must refuse a tile with one bit changed; the checker a bundle too.
func checkTiles(ctx context.Context, l *auditLog, head *head, counts *tally) error {
	if err := recompute(ctx, l, head); err != nil {
		return err
	}
	all := tlog.NewTiles(layout.TileHeight, 0, head.tree.N)
	reader := tlog.TileHashReader(head.tree, newTileReader(ctx, l))
	for _, tile := range all {
		if err := authenticate(reader, tile); err != nil {
			return err
		}
	}
	counts.tiles = len(all)
	counts.bundles = int((head.Size + layout.EntryBundleWidth - 1) / layout.EntryBundleWidth)
	for i, tile := range all {
		if err := refusesChangedTile(ctx, l, head, tile, i, counts); err != nil {
			return err
		}
	}
	if head.Size == 0 {
		return nil
	}
	for _, tile := range []tlog.Tile{all[0], all[len(all)-1]} {
		if err := refusesToRecompute(ctx, l, head, pathOf(tile), counts); err != nil {
			return err
		}
	}
	last := (head.Size - 1) / layout.EntryBundleWidth
	bundle := layout.EntriesPath(last, layout.PartialTileSize(0, last, head.Size))
	return refusesToRecompute(ctx, l, head, bundle, counts)
}

// recompute runs Tessera's checker on the whole log.
func recompute(ctx context.Context, l *auditLog, head *head) error {
	// A worker that finds a fault ends, and the checker waits for ever for room in a queue of as many places as
	// there are workers: so there is one for each tile.
	workers := uint(len(tlog.NewTiles(layout.TileHeight, 0, head.tree.N)) + 8)
	checker := fsck.New(l.verifier.Name(), l.verifier, *l.fetcher, leafHashes, fsck.Opts{N: workers})
	if err := checker.Check(ctx); err != nil {
		return fmt.Errorf("Tessera's checker: %w", err)
	}
	return nil
}

func refusesToRecompute(ctx context.Context, l *auditLog, head *head, path string, counts *tally) error {
	flip := newBitFlip(l, path, 77)
	changed, err := l.through(flip)
	if err != nil {
		return err
	}
	err = recompute(ctx, changed, head)
	if err := flip.happened(); err != nil {
		return err
	}
	return counts.refusal(err, "%s, to Tessera's checker", path)
}

func refusesChangedTile(ctx context.Context, l *auditLog, head *head, tile tlog.Tile, seed int, counts *tally) error {
	flip := newBitFlip(l, pathOf(tile), (seed*97)%(tile.W*tlog.HashSize*8))
	changed, err := l.through(flip)
	if err != nil {
		return err
	}
	err = authenticate(tlog.TileHashReader(head.tree, newTileReader(ctx, changed)), tile)
	if err := flip.happened(); err != nil {
		return err
	}
	return counts.refusal(err, "%s, to sumdb/tlog", pathOf(tile))
}

// authenticate reads the last hash of a tile. Go's tree code believes it only once the whole tile fits the root.
func authenticate(reader tlog.HashReader, tile tlog.Tile) error {
	last := tile.N<<layout.TileHeight + int64(tile.W) - 1
	_, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(tile.L*layout.TileHeight, last)})
	if err != nil {
		return fmt.Errorf("%s: %w", pathOf(tile), err)
	}
	return nil
}

// leafHashes are those of the entries in a bundle; here an entry is the entry_hash of docs/FORMATS.md.
func leafHashes(bundle []byte) ([][]byte, error) {
	var entries api.EntryBundle
	if err := entries.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	hashes := make([][]byte, len(entries.Entries))
	for i, entry := range entries.Entries {
		hashes[i] = hasher.HashLeaf(entry)
	}
	return hashes, nil
}

// A tileReader gives Go's tree code the tiles of the log. Its own paths name the height, tlog-tiles leaves it out.
type tileReader struct {
	ctx context.Context
	log *auditLog
	// Only what was authenticated.
	saved map[tlog.Tile][]byte
}

func newTileReader(ctx context.Context, l *auditLog) *tileReader {
	return &tileReader{ctx: ctx, log: l, saved: map[tlog.Tile][]byte{}}
}

func (r *tileReader) Height() int { return layout.TileHeight }

func (r *tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		if saved, found := r.saved[tile]; found {
			data[i] = saved
			continue
		}
		read, err := r.log.fetcher.ReadTile(r.ctx, uint64(tile.L), uint64(tile.N), partialWidth(tile))
		if err != nil {
			return nil, err
		}
		data[i] = read
	}
	return data, nil
}

func (r *tileReader) SaveTiles(tiles []tlog.Tile, data [][]byte) {
	for i, tile := range tiles {
		r.saved[tile] = data[i]
	}
}

// partialWidth is 0 for a full tile, as Tessera has it.
func partialWidth(tile tlog.Tile) uint8 {
	return uint8(tile.W % layout.TileWidth)
}

func pathOf(tile tlog.Tile) string {
	return layout.TilePath(uint64(tile.L), uint64(tile.N), partialWidth(tile))
}
