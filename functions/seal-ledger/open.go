package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"customercare/shared/receipt"
	"customercare/shared/store"
)

// open reads the head, makes sure that it may be signed over, and marks what a run before
// has left unmarked. Nothing is written to a log that may not be signed: errRefused.
//
// What the ledger remembers is read before the head. So a head that another run writes in
// between is longer than that, and never shorter.
func (r *run) open(ctx context.Context) error {
	kept, known, err := r.ledger.ReadCheckpoint(ctx)
	if err != nil {
		return damaged(err)
	}
	own, err := r.key.read(ctx)
	if err != nil {
		return err
	}
	r.head, err = r.log.Head(ctx)
	switch {
	case errors.Is(err, store.ErrNoHead):
		return r.begin(ctx, own, known)
	case err != nil:
		return damaged(err)
	case !known && r.head.Tree.N > 0:
		return refuse("the ledger remembers no checkpoint of it, and it has %d leaves", r.head.Tree.N)
	}
	if err := isSignedBy(r.head, own); err != nil {
		return err
	}
	r.hashes, r.tail, r.fresh = r.log.Hashes(ctx, r.head.Tree), nil, nil
	if err := r.fits(kept); err != nil {
		return err
	}
	if !known || kept.N < r.head.Tree.N { // a run before has died before it could
		if err := r.ledger.KeepCheckpoint(ctx, r.head); err != nil {
			return err
		}
	}
	return r.mark(ctx)
}

// begin signs the empty log, where there has never been another one.
func (r *run) begin(ctx context.Context, own verifier, known bool) error {
	if known {
		return refuse("it has no head, but the ledger remembers a checkpoint of it")
	}
	remains, err := r.log.HasTiles(ctx)
	switch {
	case err != nil:
		return err
	case remains:
		return refuse("it has tiles, but no head")
	}
	empty, err := tlog.TreeHash(0, nil)
	if err != nil {
		return err
	}
	first := store.Head{Tree: tlog.Tree{Hash: empty}, Key: own.text, At: r.now()}
	if first.Checkpoint, err = r.key.sign(ctx, own, first.Tree); err != nil {
		return err
	}
	if err := r.log.Begin(ctx, first); err != nil {
		return err
	}
	r.head, r.hashes, r.known = first, r.log.Hashes(ctx, first.Tree), first.Tree
	return r.ledger.KeepCheckpoint(ctx, first)
}

// isSignedBy says whether the head is what its checkpoint says, and whether its key is
// this function's own. An operator who has given the function another key says so in the
// head's nextKey: then the log goes on under that one.
func isSignedBy(head store.Head, own verifier) error {
	if head.Key != own.text && head.NextKey != own.text {
		return refuse("its checkpoint is signed by the key %s, and this function's key is %s; if that is "+
			"meant, set the attribute nextKey of its head to the latter", head.Key, own.text)
	}
	signer, err := note.NewVerifier(head.Key)
	if err != nil {
		return refuse("the key of its head is none")
	}
	tree, origin, err := receipt.OpenCheckpoint(head.Checkpoint, note.VerifierList(signer))
	if err != nil || tree != head.Tree || origin != own.Name() {
		return refuse("the checkpoint of its head is not that of this log and tree")
	}
	return nil
}

// fits says whether the tiles give the head's root, and also the one that the ledger
// remembers. What this process has checked before it does not read again.
func (r *run) fits(kept tlog.Tree) error {
	tree := r.head.Tree
	if kept.N > tree.N {
		return refuse("it has %d leaves, and a checkpoint of %d was signed", tree.N, kept.N)
	}
	if kept.N == tree.N && kept.N > 0 && kept.Hash != tree.Hash {
		return refuse("another root was signed of its %d leaves", tree.N)
	}
	if r.known == tree && kept.N == tree.N {
		return nil
	}
	for _, want := range []tlog.Tree{tree, kept} {
		if want.N == 0 {
			continue
		}
		root, err := tlog.TreeHash(want.N, r.hashes)
		if err != nil {
			return damaged(err)
		}
		if root != want.Hash {
			return refuse("another root was signed of its first %d leaves", want.N)
		}
	}
	r.known = tree
	return nil
}

// refuse is errRefused with the reason.
func refuse(format string, values ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errRefused}, values...)...)
}
