package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/shared/erasure"
	"customercare/shared/store"
)

// restore is one run over one restored table.
type restore struct {
	db            *dynamodb.Client
	table, ledger string
	since         time.Time
	digests       erasure.Digester
	out           io.Writer

	printed, erased, unknown int // records; items
}

// skew is how far clocks may lie apart: what ended just before the table's time may still stand in it.
const skew = time.Minute

type item = map[string]types.AttributeValue

// print writes a line for each record that may come back.
func (r *restore) print(ctx context.Context) error {
	gone, err := r.gone(ctx)
	if err != nil {
		return err
	}
	lines := json.NewEncoder(r.out)
	lines.SetEscapeHTML(false)
	return scan(ctx, r.db, &dynamodb.ScanInput{TableName: &r.table, ConsistentRead: aws.Bool(true)}, func(found item) error {
		record, known := read(found)
		switch {
		case !known:
			r.unknown++
		case slices.ContainsFunc(record.subjects, func(s []string) bool {
			return slices.ContainsFunc(r.digests.EverySubject(s[0], s[1], s[2]), func(digest string) bool { return gone[digest] })
		}), record.tombstone:
			r.erased++
		case record.fields != nil:
			r.printed++
			return lines.Encode(record.fields)
		}
		return nil
	})
}

// gone are the digests of all whose erasure ended after the table's time, or is open.
func (r *restore) gone(ctx context.Context) (map[string]bool, error) {
	gone := map[string]bool{}
	return gone, scan(ctx, r.db, &dynamodb.ScanInput{
		TableName: &r.ledger, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("subjects, subjectsIn"),
		FilterExpression: aws.String("attribute_exists(openShard) OR finishedAt >= :since"),
		ExpressionAttributeValues: item{
			":since": &types.AttributeValueMemberN{Value: strconv.FormatInt(r.since.Add(-skew).UnixMilli(), 10)},
		},
	}, func(found item) error {
		if in := found["subjectsIn"]; in != nil {
			out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.ledger, Key: item{"erasureId": in}, ConsistentRead: aws.Bool(true)})
			if err != nil {
				return fmt.Errorf("table %s: %w", r.ledger, err)
			}
			if found = out.Item; len(store.Subjects(found)) == 0 {
				return fmt.Errorf("the ledger lacks the digests %s: nothing can be said of whom they are about", text(in))
			}
		}
		for _, digest := range store.Subjects(found) {
			id, _, _ := strings.Cut(digest, ".")
			if r.digests.Keys[id] == nil {
				return fmt.Errorf("the ledger has digests made with the key %q, which is not among those given: nothing can be said of whom they are about", id)
			}
			gone[digest] = true
		}
		return nil
	})
}

func scan(ctx context.Context, db *dynamodb.Client, in *dynamodb.ScanInput, each func(item) error) error {
	for pages := dynamodb.NewScanPaginator(db, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("table %s: %w", *in.TableName, err)
		}
		for _, found := range page.Items {
			if err := each(found); err != nil {
				return err
			}
		}
	}
	return nil
}

// record is an item in the words of `make import`.
type record struct {
	subjects  [][]string     // whom it is about: kind, account or tenant, identifier
	tombstone bool           // of an erasure that was open at the table's time
	fields    map[string]any // nil for the further copies of a contact
}

// read makes a record of an item; false when it is none of a customer, a transaction or a contact.
func read(found item) (r record, known bool) {
	fields, known := data(found, "customer", "record", "party", "contact", "parties", "tombstone")
	customer, contact := store.SplitKey(text(found["customer"])), store.SplitKey(text(found["contact"]))
	party, place := store.SplitKey(text(found["party"])), store.SplitKey(text(found["record"]))
	set := func(pairs ...string) {
		for i := 0; i < len(pairs); i += 2 {
			if _, clash := fields[pairs[i]]; clash {
				known = false
			}
			fields[pairs[i]] = pairs[i+1]
		}
	}
	switch {
	case !known:
	case len(customer) == 2 && (len(place) == 1 && place[0] == store.CustomerRecord || len(place) == 3 && place[0] == "txn"):
		r.subjects = [][]string{{"customer", customer[0], customer[1]}}
		r.tombstone = found["tombstone"] != nil
		set("accountId", customer[0], "code", customer[1])
		if len(place) == 1 {
			set("kind", "customer")
		} else {
			set("kind", "transaction", "campaignId", place[1], "transactionId", place[2])
		}
		r.fields = fields
	case len(party) == 2 && len(contact) == 2:
		parties := texts(found["parties"])
		if !slices.Contains(parties, party[1]) {
			parties = append(parties, party[1])
		}
		for _, number := range parties {
			r.subjects = append(r.subjects, []string{"number", party[0], number})
		}
		if fields["callingNumber"] == nil && fields["calledNumber"] == nil && fields["customNos"] == nil {
			fields["customNos"] = parties
		}
		set("kind", "contact", "tenantId", party[0], "contactId", contact[1])
		if slices.Min(parties) == party[1] { // the others are copies
			r.fields = fields
		}
	default:
		known = false
	}
	return r, known
}

// data are an item's attributes but for its keys, and what lies in the map data, as JSON has them; false when two have one
// name, or JSON has no such type.
func data(found item, keys ...string) (fields map[string]any, known bool) {
	fields, known = map[string]any{}, true
	add := func(attributes item) {
		for name, attribute := range attributes {
			value, ok := plain(attribute)
			_, twice := fields[name]
			known = known && ok && !twice
			fields[name] = value
		}
	}
	for name, attribute := range found {
		inner, isMap := attribute.(*types.AttributeValueMemberM)
		switch {
		case name == "data" && isMap:
			add(inner.Value)
		case !slices.Contains(keys, name):
			add(item{name: attribute})
		}
	}
	return fields, known
}

func plain(attribute types.AttributeValue) (value any, known bool) {
	switch a := attribute.(type) {
	case *types.AttributeValueMemberS:
		return a.Value, true
	case *types.AttributeValueMemberN:
		return json.Number(a.Value), true // every digit
	case *types.AttributeValueMemberBOOL:
		return a.Value, true
	case *types.AttributeValueMemberNULL:
		return nil, true
	case *types.AttributeValueMemberM:
		return data(item{"data": a})
	case *types.AttributeValueMemberL:
		list := make([]any, len(a.Value))
		for i, member := range a.Value {
			if list[i], known = plain(member); !known {
				return nil, false
			}
		}
		return list, true
	}
	return nil, false
}

func text(attribute types.AttributeValue) string {
	s, _ := attribute.(*types.AttributeValueMemberS)
	if s == nil {
		return ""
	}
	return s.Value
}

func texts(attribute types.AttributeValue) (all []string) {
	if list, ok := attribute.(*types.AttributeValueMemberL); ok {
		for _, member := range list.Value {
			all = append(all, text(member))
		}
	}
	return all
}
