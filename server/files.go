package server

// fileRoutes are in this file.
func fileRoutes() []Route { return nil }
