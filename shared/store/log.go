package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/mod/sumdb/tlog"
)

// Log is the sealed log: a Merkle tree (RFC 6962) whose leaves are the statements of the
// ledger's records. The function seal-ledger alone writes it, and nobody deletes in it.
// Its key part tells two kinds of items apart:
//
//	head                the newest checkpoint (Head).
//	tile/<level>/<n>    256 hashes of the tree that stand side by side, fewer in the last
//	                    tile of a level (https://c2sp.org/tlog-tiles). A tile of level 0
//	                    also names its leaves.
//
// A tile is rewritten while it grows, so it may hold more than a head that was read
// before; what is read of it is cut. All readings are strongly consistent: a tile that is
// older than the head would be too short.
type Log struct {
	DB    *dynamodb.Client
	Table string
}

// headKey is the key of the head.
const headKey = "head"

// logKey is the key of an item of the log.
func logKey(part string) object { return object{"part": text(part)} }

// Head is the newest state of the log.
type Head struct {
	Tree       tlog.Tree // how many leaves there are, and the root over them
	Checkpoint string    // the tree as a signed note (https://c2sp.org/tlog-checkpoint)
	Key        string    // verifies the note's signature; golang.org/x/mod/sumdb/note reads it
	// NextKey is the key that an operator lets seal-ledger go on with in Key's place, ""
	// for none. Without it a log is never continued under another key.
	NextKey string
	Sealed  int64     // leaves whose records know their place in the log
	At      time.Time // when the checkpoint was signed
}

var (
	// ErrNoHead says that nothing was sealed yet, not even the empty log.
	ErrNoHead = errors.New("log: there is no checkpoint yet")
	// ErrLogGrown says that another run has written a head since the caller read it, and
	// that nothing was written. The caller reads again.
	ErrLogGrown = errors.New("log: another run has sealed since the head was read")
	// ErrLogDamaged says that an item of the log is missing, too short, or of another
	// form than seal-ledger gives it.
	ErrLogDamaged = errors.New("log: an item is missing or damaged")
)

// Head reads the head. ErrNoHead, ErrLogDamaged, ErrNewer.
func (l Log) Head(ctx context.Context) (Head, error) {
	out, err := l.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &l.Table, Key: logKey(headKey), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return Head{}, failed("log: read head", err)
	}
	if out.Item == nil {
		return Head{}, ErrNoHead
	}
	if Newer(out.Item) {
		return Head{}, ErrNewer
	}
	item := object(out.Item)
	h := Head{
		Tree: tlog.Tree{N: item.number("size")}, Checkpoint: item.text("checkpoint"), Key: item.text("key"),
		NextKey: item.text("nextKey"), Sealed: item.number("sealed"), At: item.millis("at"),
	}
	root := item.bytes("root")
	if len(root) != tlog.HashSize || h.Sealed < 0 || h.Sealed > h.Tree.N {
		return Head{}, ErrLogDamaged
	}
	h.Tree.Hash = tlog.Hash(root)
	return h, nil
}

// item is the head as it is stored. An operator's NextKey is used up by a new head.
func (h Head) item() object {
	item := logKey(headKey)
	item["size"], item["root"] = number(h.Tree.N), binary(h.Tree.Hash[:])
	item["checkpoint"], item["key"] = text(h.Checkpoint), text(h.Key)
	item["sealed"], item["at"] = number(h.Sealed), millis(h.At)
	return Stamp(item)
}

// Leaf names a statement in the log: that of an erasure's acceptance, or of its end. A
// record of another kind than an erasure's has an end alone.
type Leaf struct {
	ID  string // of the erasure
	End bool
}

// Endings of the names of leaves.
const acceptedLeaf, endLeaf = "/a", "/e"

// String is the name as a tile holds it.
func (l Leaf) String() string {
	if l.End {
		return l.ID + endLeaf
	}
	return l.ID + acceptedLeaf
}

// parseLeaf is the inverse of String.
func parseLeaf(name string) (Leaf, error) {
	if id, ok := strings.CutSuffix(name, acceptedLeaf); ok && id != "" {
		return Leaf{ID: id}, nil
	}
	if id, ok := strings.CutSuffix(name, endLeaf); ok && id != "" {
		return Leaf{ID: id, End: true}, nil
	}
	return Leaf{}, ErrLogDamaged
}

// binary is a value of bytes.
func binary(b []byte) types.AttributeValue { return &types.AttributeValueMemberB{Value: b} }

// bytes reads a value of bytes.
func (o object) bytes(name string) []byte {
	v, _ := o[name].(*types.AttributeValueMemberB)
	if v == nil {
		return nil
	}
	return v.Value
}
