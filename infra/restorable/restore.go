package main

import (
	"context"
	"encoding/json"
	"errors"
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
	out, notes    io.Writer // lines for the import; which items are none, and why

	printed, erased, unknown int // records; items
}

// skew is how far clocks may lie apart: what ended just before the table's time may still stand in it.
const skew = time.Minute

type item = map[string]types.AttributeValue

// print writes a line for each record that may come back, and names what nobody can tell that of. It goes through the
// table twice: a contact is as many items as it has parties, and one of them that cannot be read, or that names somebody who
// was erased, holds back all of it, wherever they stand.
func (r *restore) print(ctx context.Context) error {
	gone, err := r.gone(ctx)
	if err != nil {
		return err
	}
	table := &dynamodb.ScanInput{TableName: &r.table, ConsistentRead: aws.Bool(true)}
	position, unreadable, about := 0, map[string]bool{}, map[string]bool{} // contacts; about somebody who is gone
	err = scan(ctx, r.db, table, func(found item) error {
		position++
		if text(found["record"]) == "" && text(found["contact"]) == "" {
			return fmt.Errorf("table %s is neither one of customers nor one of contacts", r.table)
		}
		switch record := read(found); {
		case record.fault != "":
			unreadable[record.contact] = true
			r.name(position, record, record.fault)
		case record.contact != "" && r.isGone(record, gone):
			about[record.contact] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	lines := json.NewEncoder(r.out)
	lines.SetEscapeHTML(false)
	position = 0
	return scan(ctx, r.db, table, func(found item) error {
		position++
		record := read(found)
		switch {
		case record.fault != "": // named above
		case record.tombstone, r.isGone(record, gone):
			r.erased++
		case record.fields == nil:
		case record.contact != "" && unreadable[record.contact]:
			r.name(position, record, "another copy of the same contact cannot be read")
		case record.contact != "" && about[record.contact]:
			r.name(position, record, "another copy of the same contact names somebody who was erased")
		default:
			r.printed++
			return lines.Encode(record.fields)
		}
		return nil
	})
}

// isGone says whether the record is about anybody in gone.
func (r *restore) isGone(record record, gone map[string]bool) bool {
	return slices.ContainsFunc(record.subjects, func(s []string) bool {
		return slices.ContainsFunc(r.digests.EverySubject(s[0], s[1], s[2]), func(digest string) bool { return gone[digest] })
	})
}

// name counts an item that is left out because it cannot be read, and tells which it is: by its place in the scan, by the
// ledger's digest of whom it is filed under, and a contact by its time. Codes, numbers and ids are not told: what a command
// writes there ends up in logs.
func (r *restore) name(position int, record record, fault string) {
	r.unknown++
	which := ""
	if len(record.key) > 0 {
		which = fmt.Sprintf(", %s %s", record.key[0], r.digests.EverySubject(record.key[0], record.key[1], record.key[2])[0])
	}
	if record.at != "" {
		which += ", contact of " + record.at
	}
	fmt.Fprintf(r.notes, "item %d%s: %s\n", position, which, fault)
}

// gone are the digests of all whose erasure ended after the table's time, or is open. A record that does not say when it
// ended, as all of ours do, is taken for one that ended since.
func (r *restore) gone(ctx context.Context) (map[string]bool, error) {
	gone := map[string]bool{}
	return gone, scan(ctx, r.db, &dynamodb.ScanInput{
		TableName: &r.ledger, ConsistentRead: aws.Bool(true), ProjectionExpression: aws.String("subjects, subjectsIn"),
		FilterExpression: aws.String("attribute_exists(openShard) OR finishedAt >= :since" +
			" OR begins_with(erasureId, :record) AND NOT attribute_type(finishedAt, :number)"),
		ExpressionAttributeValues: item{
			":since":  &types.AttributeValueMemberN{Value: strconv.FormatInt(r.since.Add(-skew).UnixMilli(), 10)},
			":record": &types.AttributeValueMemberS{Value: store.RecordPrefix}, ":number": &types.AttributeValueMemberS{Value: "N"},
		},
	}, func(found item) error {
		digests, whole := store.Subjects(found)
		if in, there := found["subjectsIn"]; there {
			if text(in) == "" {
				return errNobody
			}
			out, err := r.db.GetItem(ctx, &dynamodb.GetItemInput{TableName: &r.ledger, Key: item{"erasureId": in}, ConsistentRead: aws.Bool(true)})
			if err != nil {
				return fmt.Errorf("table %s: %w", r.ledger, err)
			}
			if digests, whole = store.Subjects(out.Item); !whole || len(digests) == 0 {
				return fmt.Errorf("the ledger lacks the digests %s: nothing can be said of whom they are about", text(in))
			}
		}
		if !whole || len(digests) == 0 {
			return errNobody
		}
		for _, digest := range digests {
			id, _, _ := strings.Cut(digest, ".")
			if r.digests.Keys[id] == nil {
				return fmt.Errorf("the ledger has digests made with the key %q, which is not among those given: nothing can be said of whom they are about", id)
			}
			gone[digest] = true
		}
		return nil
	})
}

var errNobody = errors.New("the ledger has an erasure whose digests cannot be read: nothing can be said of whom it is about")

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
