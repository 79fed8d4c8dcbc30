select df.start('{"node_type":"SQL","query":"select 1"}', 'private');
