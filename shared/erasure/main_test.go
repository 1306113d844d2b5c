package erasure

import (
	"testing"

	"customercare/infra/dynamotest"
)

func TestMain(m *testing.M) { dynamotest.Run(m) }
