-- Finished jobs are forgotten in this order.
create index jobs_by_end on jobs (finished_at);
