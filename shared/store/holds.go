package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Holds is what must not be erased for now, by the word of an operator. Its key hold
// tells six kinds of items apart:
//
//	hold-<id>                  a hold (Hold). It stays for ever; whom it is about stands
//	                           there in clear until it is released.
//	customer#<account>#<code>  a customer who is held: holds, the set of the ids; and refused,
//	                           the erasure that was refused meanwhile.
//	number#<tenant>#<number>   a number that is held: holds.
//	tenant#<tenant>            held, how many holds there are of the tenant's numbers.
//	asked-<id>-<n>             numbers whose erasure waits for the release of a hold.
//	asked-<id>-<erasure>       n, which of these lists an erasure has left there.
//
// Contacts of a held number carry the ids of the holds in the set held, in every copy. A
// hold that is not released yet has standing and dueAt, the keys of the sparse index that
// ListStanding and ListDue read.
type Holds struct {
	DB    *dynamodb.Client
	Table string
}

// HoldStatus is where a hold is in its life.
type HoldStatus string

const (
	// Placing is a hold of a number whose contacts are being marked.
	Placing HoldStatus = "placing"
	// Active is a hold that holds: nothing that it is about is erased.
	Active HoldStatus = "active"
	// Releasing is a hold that holds no more, and whose erasures are being opened.
	Releasing HoldStatus = "releasing"
	// Released is a hold that is over.
	Released HoldStatus = "released"
)

// Kinds of holds.
const (
	HoldOfCustomer = "customer"
	HoldOfNumber   = "number"
)

// Hold is a hold on one customer or one number.
type Hold struct {
	ID         string
	Kind       string // HoldOfCustomer or HoldOfNumber
	Scope      string // the account or tenant
	Subject    string // the code or the number, "" after the release
	Digest     string // of the subject
	Reason     string
	By         string // the operator who placed it
	PlacedAt   time.Time
	Until      time.Time // when it is released by itself, zero for never
	Status     HoldStatus
	ReleasedBy string
	ReleasedAt time.Time

	// Cursor is the sort key of the last contact that was marked, or unmarked.
	Cursor string
	// Failures are how many runs in a row could not place or release the hold.
	Failures int64
	// Asked is how many lists of numbers wait for the release, Opened for how many of
	// them it has opened an erasure.
	Asked, Opened int64
	// Refused is the erasure of the customer that waits, once the hold is releasing.
	Refused *Refused

	// Newer says that a newer version has written the hold: nothing but the ID is known
	// of it. Only ListDue gives such a hold.
	Newer bool
}

// Refused is an erasure of a customer that was refused because of a hold.
type Refused struct {
	ID       string // of the erasure that it would have been
	By       string // the API user
	Ticket   []byte
	At       time.Time
	Subjects []string // the customer's digests, the current key's first
}

// Same says whether a hold that stands is what other asks for.
func (h Hold) Same(other Hold) bool {
	return h.ID == other.ID && h.Kind == other.Kind && h.Scope == other.Scope && h.Subject == other.Subject &&
		h.Reason == other.Reason && h.Until.Equal(other.Until) && h.Status != Releasing && h.Status != Released
}

var (
	// ErrNoHold says that there is no hold with the id.
	ErrNoHold = errors.New("holds: no such hold")
	// ErrHoldExists says that there is a hold with the id already.
	ErrHoldExists = errors.New("holds: there is a hold with this id")
	// ErrErasing says that the customer's erasure is open, so nothing can be held.
	ErrErasing = errors.New("holds: the customer is being erased")
	// ErrHoldChanged says that a hold is not in the status that a write supposed.
	ErrHoldChanged error = raced{"holds: the hold changed since it was read"}
	// ErrCustomerHeld says that a hold stands on the customer. Nothing was written.
	ErrCustomerHeld = errors.New("holds: the customer is held")
)

// held is the key under which it stands that the subject is held.
func (h Hold) held() string { return JoinKey(h.Kind, h.Scope, h.Subject) }

func heldCustomer(account, code string) string { return JoinKey(HoldOfCustomer, account, code) }

func heldNumber(tenant, number string) string { return JoinKey(HoldOfNumber, tenant, number) }

func heldTenant(tenant string) string { return JoinKey("tenant", tenant) }

func holdItem(id string) string { return "hold-" + id }

func askedItem(id string, n int64) string { return "asked-" + id + "-" + strconv.FormatInt(n, 10) }

func askedOf(id, erasure string) string { return "asked-" + id + "-" + erasure }

func holdKey(key string) object { return object{"hold": text(key)} }

// never is the dueAt of a hold without an end.
var never = time.UnixMilli(1 << 52)

// standing is the partition of the index in which every hold stands that is not released.
// There are few holds.
var standing = text("1")

// dueAt is when cleanup has to look at the hold, if nobody writes it before.
func (h Hold) dueAt() time.Time {
	if h.Until.IsZero() {
		return never
	}
	return h.Until
}

// item is the hold as it is first written.
func (h Hold) item(dueAt time.Time) object {
	item := holdKey(holdItem(h.ID))
	item["id"], item["kind"], item["scope"] = text(h.ID), text(h.Kind), text(h.Scope)
	item["subject"], item["digest"], item["reason"] = text(h.Subject), text(h.Digest), text(h.Reason)
	item["placedBy"], item["placedAt"], item["until"] = text(h.By), millis(h.PlacedAt), millis(h.Until)
	item["status"], item["standing"], item["dueAt"] = text(string(h.Status)), standing, millis(dueAt)
	return Stamp(item)
}

func readHold(item object) Hold {
	h := Hold{
		ID: item.text("id"), Kind: item.text("kind"), Scope: item.text("scope"), Subject: item.text("subject"),
		Digest: item.text("digest"), Reason: item.text("reason"), By: item.text("placedBy"),
		PlacedAt: item.millis("placedAt"), Until: item.millis("until"), Status: HoldStatus(item.text("status")),
		ReleasedBy: item.text("releasedBy"), ReleasedAt: item.millis("releasedAt"),
		Cursor: item.text("cursor"), Failures: item.number("failures"),
		Asked: item.number("asked"), Opened: item.number("opened"),
	}
	if refused, ok := item["refused"].(*types.AttributeValueMemberM); ok {
		h.Refused = readRefused(refused.Value)
	}
	return h
}

func (r Refused) value() types.AttributeValue {
	refused := object{"id": text(r.ID), "by": text(r.By), "at": millis(r.At), "subjects": texts(r.Subjects)}
	if r.Ticket != nil {
		refused["ticket"] = binary(r.Ticket)
	}
	return refused.value()
}

func readRefused(item object) *Refused {
	return &Refused{
		ID: item.text("id"), By: item.text("by"), Ticket: item.bytes("ticket"), At: item.millis("at"),
		Subjects: item.texts("subjects"),
	}
}

// Read reads a hold, strongly consistent. ErrNoHold, ErrNewer.
func (h Holds) Read(ctx context.Context, id string) (Hold, error) {
	item, err := h.get(ctx, holdItem(id))
	if err == nil && item == nil {
		err = ErrNoHold
	}
	if err != nil {
		return Hold{}, err
	}
	return readHold(item), nil
}

// get reads an item, nil where there is none. ErrNewer.
func (h Holds) get(ctx context.Context, key string) (object, error) {
	out, err := h.DB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &h.Table, Key: holdKey(key), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return nil, failed("holds: read", err)
	}
	return out.Item, unlessNewer(out.Item)
}

// getAll reads items by their keys, strongly consistent, in no order. ErrNewer.
func (h Holds) getAll(ctx context.Context, keys []string) ([]object, error) {
	all, err := h.getAny(ctx, keys)
	return all, cmp.Or(err, unlessNewer(all...))
}

// getAny is getAll, with the items of newer versions.
func (h Holds) getAny(ctx context.Context, keys []string) (all []object, err error) {
	for len(keys) > 0 {
		wanted := make([]map[string]types.AttributeValue, min(len(keys), maxReadKeys))
		for i := range wanted {
			wanted[i] = holdKey(keys[i])
		}
		items, err := readItems(ctx, h.DB, "holds: read", h.Table,
			types.KeysAndAttributes{Keys: wanted, ConsistentRead: aws.Bool(true)}, readAttempts)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			all = append(all, item)
		}
		keys = keys[len(wanted):]
	}
	return all, nil
}

// ListStanding lists the holds that are not released, at most limit, those first that are
// due first. The index is eventually consistent, what is said of each hold is not. more
// says that there are others. ErrNewer.
func (h Holds) ListStanding(ctx context.Context, index string, limit int) (all []Hold, more bool, err error) {
	all, more, err = h.list(ctx, index, never, limit)
	if slices.ContainsFunc(all, func(h Hold) bool { return h.Newer }) {
		return nil, false, cmp.Or(err, ErrNewer)
	}
	return all, more, err
}

// ListDue is ListStanding for the holds that are due at the given time: their end has
// come, or whoever placed or released them has died. Those of newer versions are among
// them.
func (h Holds) ListDue(ctx context.Context, index string, at time.Time, limit int) (all []Hold, more bool, err error) {
	return h.list(ctx, index, at, limit)
}

func (h Holds) list(
	ctx context.Context, index string, until time.Time, limit int,
) (all []Hold, more bool, err error) {
	out, err := h.DB.Query(ctx, &dynamodb.QueryInput{
		TableName: &h.Table, IndexName: &index, Limit: aws.Int32(int32(limit)),
		KeyConditionExpression:    aws.String("standing = :standing AND dueAt <= :until"),
		ExpressionAttributeValues: object{":standing": standing, ":until": millis(until)},
	})
	if err != nil {
		return nil, false, failed("holds: list", err)
	}
	var keys []string
	for _, item := range out.Items {
		keys = append(keys, object(item).text("hold"))
	}
	items, err := h.getAny(ctx, keys)
	if err != nil {
		return nil, false, err
	}
	byKey := make(map[string]object, len(items))
	for _, item := range items {
		byKey[item.text("hold")] = item
	}
	for _, key := range keys {
		switch item := byKey[key]; {
		case Newer(item):
			all = append(all, Hold{ID: strings.TrimPrefix(key, holdItem("")), Newer: true})
		case item != nil && item["standing"] != nil:
			all = append(all, readHold(item))
		}
	}
	return all, out.LastEvaluatedKey != nil, nil
}
