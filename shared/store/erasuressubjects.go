package store

import (
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// digestSize is the size of a SHA-256, in bytes.
const digestSize = 32

var errDigests = errors.New("erasures: digests of different keys, or none")

// pack is an item of many digests without its key: the id of their one key, and the bytes
// of all in one value. That takes half of what they take as texts.
func pack(digests []string) (object, error) {
	var packed []byte
	var keyID string
	for i, digest := range digests {
		id, sum, _ := strings.Cut(digest, ".")
		raw, err := hex.DecodeString(sum)
		if err != nil || len(raw) != digestSize || i > 0 && id != keyID {
			return nil, errDigests
		}
		packed, keyID = append(packed, raw...), id
	}
	return object{"key": text(keyID), "digests": &types.AttributeValueMemberB{Value: packed}}, nil
}

// ReadSubjects gives the digests of the job's subjects, in the order of their
// identifiers' bytes, also where they stand in another item. It gives none where
// somebody else has taken them away or put anything else there. ErrNewer.
func (e Erasures) ReadSubjects(ctx context.Context, job *Job) ([]string, error) {
	digests, whole := job.Subjects, true
	if job.SubjectsIn != "" {
		out, err := e.DB.GetItem(ctx, &dynamodb.GetItemInput{
			TableName: &e.Table, Key: ledgerKey(job.SubjectsIn), ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return nil, failed("erasures: read subjects", err)
		}
		if Newer(out.Item) {
			return nil, ErrNewer
		}
		digests, whole = Subjects(out.Item)
	}
	if !whole || len(digests) != len(job.Identifiers) {
		return nil, nil
	}
	return digests, nil
}

// Subjects are the digests, each "<key id>.<hex>", in a record, in a job, or in an item
// that subjectsIn names. whole is false where another writer has put anything else there:
// then all is not everything, and the caller must not go on with it.
func Subjects(item map[string]types.AttributeValue) (all []string, whole bool) {
	whole = true
	if subjects, there := item["subjects"]; there {
		all, whole = Texts(subjects)
	}
	if digests, there := item["digests"]; there {
		packed, ok := digests.(*types.AttributeValueMemberB)
		_, named := item["key"].(*types.AttributeValueMemberS)
		if !ok || !named || len(packed.Value)%digestSize != 0 {
			return all, false
		}
		keyID := object(item).text("key")
		for raw := range slices.Chunk(packed.Value, digestSize) {
			all = append(all, keyID+"."+hex.EncodeToString(raw))
		}
	}
	for _, digest := range all {
		whole = whole && isDigest(digest)
	}
	return all, whole
}

// isDigest says whether a text has the form of a digest.
func isDigest(text string) bool {
	_, sum, cut := strings.Cut(text, ".")
	raw, err := hex.DecodeString(sum)
	return cut && err == nil && len(raw) == digestSize && sum == strings.ToLower(sum)
}
