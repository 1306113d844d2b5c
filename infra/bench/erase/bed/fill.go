package bed

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/store"
)

// Records are put into the tables as infra/importer stores them, but in batches: its transactions would take four times as
// long, and nobody else is at these tables.

const (
	fillStreams = 8  // more do not make DynamoDB Local faster
	batchSize   = 25 // BatchWriteItem's limit
	agents      = 7  // each contact is filed under its number and one of them
	campaigns   = 10
)

// at is when everything happened.
var at = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

type item = map[string]types.AttributeValue

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func texts(all ...string) types.AttributeValue {
	list := make([]types.AttributeValue, len(all))
	for i, s := range all {
		list[i] = text(s)
	}
	return &types.AttributeValueMemberL{Value: list}
}

func data(fields item) types.AttributeValue { return &types.AttributeValueMemberM{Value: fields} }

// FillCustomers puts one customer for each code, with so many transactions each, into the table of customers.
func FillCustomers(ctx context.Context, db *dynamodb.Client, table string, codes []string, transactions int) error {
	each := 1 + transactions
	about := data(item{"name": text("Made Up"), "cardNumber": text("1234567890123456")})
	bought := data(item{"at": text(at.Format(time.RFC3339)), "amount": text("12.50")})
	return fill(ctx, db, table, len(codes)*each, func(i int) item {
		customer := text(store.CustomerKey(Account, codes[i/each]))
		n := i%each - 1
		if n < 0 {
			return item{"customer": customer, "record": text(store.CustomerRecord), "data": about}
		}
		record := store.TransactionRecord("c"+strconv.Itoa(n%campaigns), "t"+strconv.Itoa(n))
		return item{"customer": customer, "record": text(record), "data": bought}
	})
}

// FillContacts puts so many contacts of each number into the table of contacts, two copies of each: one under the number, one
// under an agent.
func FillContacts(ctx context.Context, db *dynamodb.Client, table string, numbers []string, each int) error {
	return fill(ctx, db, table, 2*len(numbers)*each, func(i int) item {
		n := i / 2 // of the contact
		number, agent := numbers[n/each], "agent"+strconv.Itoa(n%agents)
		party, parties := number, texts(agent, number)
		if number < agent { // the importer sorts them
			parties = texts(number, agent)
		}
		if i%2 == 1 {
			party = agent
		}
		id := number + "-" + strconv.Itoa(n%each)
		return item{
			"party": text(store.PartyKey(Tenant, party)), "contact": text(store.ContactKey(at, id)), "parties": parties,
			"data": data(item{
				"at": text(at.Format(time.RFC3339)), "callingNumber": text(number), "calledNumber": text(agent), "content": text("made up"),
			}),
		}
	})
}

// fill puts n items, in order within each stream.
func fill(ctx context.Context, db *dynamodb.Client, table string, n int, make func(int) item) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := (n + batchSize - 1) / batchSize
	for stream := range fillStreams {
		group.Go(func() error {
			for b := stream; b < batches; b += fillStreams {
				var requests []types.WriteRequest
				for i := b * batchSize; i < min(n, (b+1)*batchSize); i++ {
					requests = append(requests, types.WriteRequest{PutRequest: &types.PutRequest{Item: make(i)}})
				}
				out, err := db.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{table: requests}})
				if err == nil && len(out.UnprocessedItems) > 0 {
					err = fmt.Errorf("%d items were not taken", len(out.UnprocessedItems[table])) // DynamoDB Local takes all
				}
				if err != nil {
					return fmt.Errorf("fill %s: %w", table, err)
				}
			}
			return nil
		})
	}
	return group.Wait()
}
