module hedgerow.dev/onenode/pause

go 1.24.0
