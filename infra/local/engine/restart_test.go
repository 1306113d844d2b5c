package engine

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	streams "github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// TestKilledWhileWriting kills an engine with a data folder a few times, with SIGKILL,
// while four writers put items by pairs into two tables, each pair in a transaction.
// Every acknowledged pair has to be there after the next start, and no half of any.
func TestKilledWhileWriting(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		if kind == DynamoDBLocal {
			t.Skip("DynamoDB Local loses acknowledged transactions: docs/engines.md")
		}
		data, acknowledged := t.TempDir(), map[string]bool{}
		for round := range 4 {
			s, err := Start(t.Context(), Options{Kind: kind, DataDir: data})
			if err != nil {
				t.Fatal(err)
			}
			a := &probe{T: t, db: client(s.Endpoint, Region, "x"), table: "left"}
			b := &probe{T: t, db: a.db, table: "right"}
			if round == 0 {
				a.createTable()
				b.createTable()
			}
			left, right := a.ids(), b.ids()
			if !maps.Equal(left, right) {
				t.Errorf("halves of transactions: %d left, %d right", len(left), len(right))
			}
			for id := range acknowledged {
				if !left[id] {
					t.Errorf("%s was acknowledged and is lost", id)
				}
			}
			var mu sync.Mutex
			enough := make(chan struct{})
			var writers sync.WaitGroup
			for writer := range 4 {
				writers.Go(func() {
					for n := 0; ; n++ {
						id := fmt.Sprintf("%d-%d-%d", round, writer, n)
						if _, err := a.db.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
							TransactItems: []types.TransactWriteItem{
								{Put: &types.Put{TableName: &a.table, Item: at(item{"id": text(id)})}},
								{Put: &types.Put{TableName: &b.table, Item: at(item{"id": text(id)})}},
							},
						}); err != nil {
							return // it has been killed
						}
						mu.Lock()
						acknowledged[id] = true
						if len(acknowledged) == 100*(round+1) {
							close(enough)
						}
						mu.Unlock()
					}
				})
			}
			<-enough
			s.Close() // by SIGKILL
			writers.Wait()
		}
	})
}

// ids are the partition keys of all items of the table.
func (p *probe) ids() map[string]bool {
	p.Helper()
	ids := map[string]bool{}
	for pages := dynamodb.NewScanPaginator(p.db,
		&dynamodb.ScanInput{TableName: &p.table, ConsistentRead: aws.Bool(true)}); pages.HasMorePages(); {
		page, err := pages.NextPage(p.Context())
		if err != nil {
			p.Fatal(err)
		}
		for _, i := range page.Items {
			ids[i["id"].(*types.AttributeValueMemberS).Value] = true
		}
	}
	return ids
}

// TestRestart compares what of a data folder is there after a restart with the table in
// docs/engines.md.
func TestRestart(t *testing.T) {
	each(t, func(t *testing.T, kind Kind) {
		table := documented(t, kind)
		data := t.TempDir()
		run := func(do func(*probe, *dynamodbstreams.Client)) {
			t.Helper()
			s, err := Start(t.Context(), Options{Kind: kind, DataDir: data})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			db := client(s.Endpoint, Region, "x")
			do(&probe{T: t, db: db, table: "probes"}, dynamodbstreams.New(dynamodbstreams.Options{
				Region: Region, BaseEndpoint: &s.Endpoint, Credentials: db.Options().Credentials,
				Retryer: aws.NopRetryer{},
			}))
		}
		run(func(p *probe, _ *dynamodbstreams.Client) {
			p.createTable()
			p.put(item{"openShard": text("1"), "n": number("1")})
		})
		run(func(p *probe, s *dynamodbstreams.Client) {
			// The records first: asking the index writes.
			for _, c := range []struct{ name, got string }{
				{"After a restart: a stream's records", records(p, s)},
				{"After a restart: items", strconv.Itoa(len(p.ids()))},
				{"After a restart: the index", p.index()},
			} {
				if want := table[c.name]; c.got != want {
					t.Errorf("| %s | %s | documented as %q", c.name, c.got, want)
				}
			}
		})
	})
}

// records says which records of the table's stream can be read from its beginning.
func records(p *probe, s *dynamodbstreams.Client) string {
	table, err := p.db.DescribeTable(p.Context(), &dynamodb.DescribeTableInput{TableName: &p.table})
	if err != nil {
		return outcome(err)
	}
	arn := table.Table.LatestStreamArn
	if arn == nil {
		return "the table has no stream any more"
	}
	stream, err := s.DescribeStream(p.Context(), &dynamodbstreams.DescribeStreamInput{StreamArn: arn})
	if err != nil {
		return outcome(err)
	}
	var seen []string
	for _, shard := range stream.StreamDescription.Shards {
		iterator, err := s.GetShardIterator(p.Context(), &dynamodbstreams.GetShardIteratorInput{
			StreamArn: arn, ShardId: shard.ShardId, ShardIteratorType: streams.ShardIteratorTypeTrimHorizon,
		})
		if err != nil {
			return outcome(err)
		}
		out, err := s.GetRecords(p.Context(), &dynamodbstreams.GetRecordsInput{ShardIterator: iterator.ShardIterator})
		if err != nil {
			return outcome(err)
		}
		for _, record := range out.Records {
			seen = append(seen, string(record.EventName))
		}
	}
	slices.Sort(seen)
	return fmt.Sprint(seen)
}
